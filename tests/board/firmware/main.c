// The board's life: power-on, boot.py, main.py, REPL, soft reset, in the order of ports/rp2.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/compile.h"
#include "py/cstack.h"
#include "py/runtime.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/mperrno.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "extmod/modnetwork.h"
#include "lwip/init.h"
#include "lwip/apps/mdns.h"
#include "config.h"
#if MICROPY_PY_THREAD
#include "mpthreadport.h"
#endif

#define HEAP_MAX (1024 * 1024)
#define STACK (8 * 1024) // of the main thread, as on rp2

static uint32_t gc_heap[HEAP_MAX / sizeof(uint32_t)];

int main(int argc, char **argv) {
    #if MICROPY_PY_THREAD
    mp_thread_init();
    #endif
    void *top;
    __asm volatile ("ldr %0, =_estack - 4096" : "=r" (top)); // see Reset_Handler
    mp_cstack_init_with_top(top, STACK);
    uint32_t heap = BOARD_CONFIG_HEAP;
    if (heap < 8192 || heap > HEAP_MAX) {
        heap = 192 * 1024;
    }
    gc_init(gc_heap, (char *)gc_heap + heap);
    lwip_init();
    #if LWIP_MDNS_RESPONDER
    mdns_resp_init();
    #endif
    board_net_init();

    for (;;) {
        mp_init();
        mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(MP_QSTR__slash_lib));
        readline_init0();
        mod_network_init();

        pyexec_frozen_module("_boot.py", false);
        int ret = pyexec_file_if_exists("boot.py");
        if (ret & PYEXEC_FORCED_EXIT) {
            goto soft_reset_exit;
        }
        if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && ret != 0) {
            ret = pyexec_file_if_exists("main.py");
            if (ret & PYEXEC_FORCED_EXIT) {
                goto soft_reset_exit;
            }
        }
        for (;;) {
            if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
                if (pyexec_raw_repl() != 0) {
                    break;
                }
            } else {
                if (pyexec_friendly_repl() != 0) {
                    break;
                }
            }
        }

    soft_reset_exit:
        mp_printf(MP_PYTHON_PRINTER, "MPY: soft reboot\n");
        mod_network_deinit();
        #if MICROPY_PY_THREAD
        mp_thread_deinit();
        #endif
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    #if MICROPY_PY_THREAD
    mp_thread_gc_others();
    #endif
    gc_collect_end();
}

void nlr_jump_fail(void *val) {
    mp_printf(&mp_plat_print, "FATAL: uncaught exception %p\n", val);
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(val));
    exit(1);
}

// Each one once.  Closing a listening socket always brings two: modlwip.c calls tcp_err() and
// tcp_recv() for it, which write behind the end of a tcp_pcb_listen.
void board_lwip_assert(const char *msg, int line, const char *file) {
    static int told[8];
    for (int i = 0; i < 8; ++i) {
        if (told[i] == line) {
            return;
        }
        if (told[i] == 0) {
            told[i] = line;
            mp_printf(&mp_plat_print, "LWIP ASSERT: %s, line %d\n", msg, line);
            return;
        }
    }
}
