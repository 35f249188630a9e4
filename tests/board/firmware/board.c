// The module board, which no real board has: a look into lwIP, the flash, the processor's time.

#include <string.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "py/mperrno.h"
#include "lwip/stats.h"
#include "lwip/memp.h"
#include "lwip/priv/tcp_priv.h"
#include "config.h"

extern const mp_obj_type_t board_sha1_type;

static mp_obj_t numbers(size_t n, const uint32_t *values) {
    mp_obj_t items[5];
    for (size_t i = 0; i < n; ++i) {
        items[i] = mp_obj_new_int_from_uint(values[i]);
    }
    return mp_obj_new_tuple(n, items);
}

// pcbs(): what lwIP has of TCP, as (state, local port, remote port, room in the send buffer,
// queued pbufs).  States: 1 LISTEN 3 SYN_RCVD 4 ESTABLISHED 5, 6 FIN_WAIT 7 CLOSE_WAIT 8 CLOSING
// 9 LAST_ACK 10 TIME_WAIT.

static void add_pcbs(mp_obj_t list, struct tcp_pcb *pcb) {
    for (; pcb != NULL; pcb = pcb->next) {
        uint32_t values[] = {
            pcb->state, pcb->local_port, pcb->remote_port, pcb->snd_buf, pcb->snd_queuelen
        };
        mp_obj_list_append(list, numbers(5, values));
    }
}

static mp_obj_t board_pcbs(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    MICROPY_PY_LWIP_ENTER
    for (struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs; l != NULL; l = l->next) {
        uint32_t values[] = { l->state, l->local_port, 0, 0, l->accepts_pending };
        mp_obj_list_append(list, numbers(5, values));
    }
    add_pcbs(list, tcp_active_pcbs);
    add_pcbs(list, tcp_tw_pcbs);
    add_pcbs(list, tcp_bound_pcbs);
    MICROPY_PY_LWIP_EXIT
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_pcbs_obj, board_pcbs);

// stats(): {pool: (used, most used, failed allocations)}, and "frames": (in, out, lost for want of
// room).

static void add_pool(mp_obj_t dict, qstr name, struct stats_mem *pool) {
    uint32_t values[] = { pool->used, pool->max, pool->err };
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(name), numbers(3, values));
}

static mp_obj_t board_stats(void) {
    mp_obj_t dict = mp_obj_new_dict(8);
    add_pool(dict, MP_QSTR_tcp_pcb, lwip_stats.memp[MEMP_TCP_PCB]);
    add_pool(dict, MP_QSTR_tcp_listen, lwip_stats.memp[MEMP_TCP_PCB_LISTEN]);
    add_pool(dict, MP_QSTR_tcp_seg, lwip_stats.memp[MEMP_TCP_SEG]);
    add_pool(dict, MP_QSTR_pbuf_pool, lwip_stats.memp[MEMP_PBUF_POOL]);
    add_pool(dict, MP_QSTR_pbuf, lwip_stats.memp[MEMP_PBUF]);
    add_pool(dict, MP_QSTR_heap, &lwip_stats.mem);
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(MP_QSTR_frames), numbers(3, board_frames));
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_stats_obj, board_stats);

// busy(): microseconds in which the processor has not waited, since power-on, and 25ths of the
// last.

static mp_obj_t board_busy(void) {
    uint64_t ticks = board_busy_ticks();
    uint32_t values[] = { ticks / 25, ticks % 25 };
    return numbers(2, values);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_busy_obj, board_busy);

// Flash(): a block device in RAM that outlives soft and hard resets.

#define FLASH ((uint8_t *)0x21000000)
#define FLASH_BLOCK (4096)
#define FLASH_MAX (15 * 1024 * 1024)

static size_t flash_size(void) {
    size_t size = BOARD_CONFIG_FLASH;
    return size >= 2 * FLASH_BLOCK && size <= FLASH_MAX ? size : 848 * 1024;
}

extern const mp_obj_type_t board_flash_type;
static const mp_obj_base_t board_flash = { &board_flash_type };

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n, size_t n_kw,
    const mp_obj_t *args) {
    return MP_OBJ_FROM_PTR(&board_flash);
}

static mp_obj_t flash_move(size_t n, const mp_obj_t *args, bool write) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, write ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    size_t at = mp_obj_get_int(args[1]) * FLASH_BLOCK + (n > 3 ? mp_obj_get_int(args[3]) : 0);
    if (at + buf.len > flash_size()) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    if (write) {
        memcpy(FLASH + at, buf.buf, buf.len);
    } else {
        memcpy(buf.buf, FLASH + at, buf.len);
    }
    return MP_OBJ_NEW_SMALL_INT(0);
}

static mp_obj_t flash_readblocks(size_t n, const mp_obj_t *args) {
    return flash_move(n, args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t n, const mp_obj_t *args) {
    return flash_move(n, args, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self, mp_obj_t command, mp_obj_t block) {
    switch (mp_obj_get_int(command)) {
        case 1: // begin
        case 2: // end
        case 3: // sync
            return MP_OBJ_NEW_SMALL_INT(0);
        case 4:
            return MP_OBJ_NEW_SMALL_INT(flash_size() / FLASH_BLOCK);
        case 5:
            return MP_OBJ_NEW_SMALL_INT(FLASH_BLOCK);
        case 6: // erase
            memset(FLASH + mp_obj_get_int(block) * FLASH_BLOCK, 0xff, FLASH_BLOCK);
            return MP_OBJ_NEW_SMALL_INT(0);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    board_flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE,
    make_new, flash_make_new,
    locals_dict, &flash_locals
    );

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_board) },
    { MP_ROM_QSTR(MP_QSTR_pcbs), MP_ROM_PTR(&board_pcbs_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&board_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR_busy), MP_ROM_PTR(&board_busy_obj) },
    { MP_ROM_QSTR(MP_QSTR_sha1), MP_ROM_PTR(&board_sha1_type) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&board_flash_type) },
};
static MP_DEFINE_CONST_DICT(board_globals, board_globals_table);

const mp_obj_module_t board_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&board_globals,
};
MP_REGISTER_MODULE(MP_QSTR_board, board_module);
