// An emulated board with lwIP: QEMU's mps2-an385 (Cortex-M3, 32 bits, LAN9118 Ethernet).
// Options are those of MicroPython's rp2 port (Pico W) wherever they change what Python code sees,
// how much memory it takes, or how sockets behave.

#include <stdint.h>
#include <alloca.h>

#define MICROPY_HW_BOARD_NAME                   "lwip-board (QEMU mps2-an385)"
#define MICROPY_HW_MCU_NAME                     "Cortex-M3"
#define MICROPY_PY_SYS_PLATFORM                 "lwipboard"

#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// as in ports/rp2/mpconfigport.h
#define MICROPY_GC_STACK_ENTRY_TYPE             uint16_t
#define MICROPY_ALLOC_PATH_MAX                  (128)
#define MICROPY_QSTR_BYTES_IN_HASH              (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)
#define MICROPY_OPT_COMPUTED_GOTO               (1)
#define MICROPY_READER_VFS                      (1)
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_STACK_CHECK_MARGIN              (256)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_SCHEDULER_DEPTH                 (8)
#define MICROPY_SCHEDULER_STATIC_NODES          (1)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
#define MICROPY_EPOCH_IS_1970                   (1)
#define MICROPY_PY_OS_SYNC                      (1)
#define MICROPY_PY_OS_UNAME                     (1)
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_RE_MATCH_GROUPS              (1)
#define MICROPY_PY_RE_MATCH_SPAN_START_END      (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)
#define MICROPY_PY_TIME_INCLUDEFILE             "time.inc.c"
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC        (board_random())
#define MICROPY_PY_MACHINE                      (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE          "machine.inc.c"
#define MICROPY_PY_MACHINE_RESET                (1)
#define MICROPY_VFS                             (1)
#define MICROPY_PY_NETWORK                      (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "lwip-board"
#define MICROPY_PY_SOCKET                       (1)
#define MICROPY_PY_LWIP_SOCK_RAW                (1)
#define MICROPY_PY_WEBSOCKET                    (0)
#define MICROPY_PY_WEBREPL                      (0)
#define MICROPY_MEM_STATS                       (0)
#define MICROPY_PY_MICROPYTHON_MEM_INFO         (1)
#define MICROPY_WARNINGS                        (1)
#define MICROPY_EMIT_THUMB                      (1)
#define MICROPY_EMIT_INLINE_THUMB               (1)

// Threads: see mpthreadport.h (make THREAD=1)
#if MICROPY_PY_THREAD
#define MICROPY_PY_THREAD_GIL                   (1)
#endif

extern const struct _mp_obj_type_t network_lan_type;
#define MICROPY_PORT_NETWORK_INTERFACES \
    { MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&network_lan_type) },

#define MP_NEED_LOG2 (1)
#define MP_STATE_PORT MP_STATE_VM
#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))
#define MP_SSIZE_MAX (0x7fffffff)
#ifdef BOARD_OLD // MicroPython 1.25 and 1.26 leave these to the port
typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
#define MP_NORETURN __attribute__((noreturn))
#define MICROPY_PY_OS_INCLUDEFILE "os.inc.c"
#endif
typedef intptr_t mp_off_t;

uint32_t board_random(void);
