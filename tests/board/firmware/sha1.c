// board.sha1 (FIPS 180-4): the hash that WebSockets ask for; modules/hashlib.py offers it.  A real
// board's firmware takes it from mbedtls, which Debian's sources of MicroPython leave out.

#include <string.h>

#include "py/runtime.h"

typedef struct {
    mp_obj_base_t base;
    uint32_t h[5];
    uint32_t total; // bytes so far
    uint8_t block[64];
} sha1_t;

static uint32_t rotate(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void add_block(sha1_t *s) {
    uint32_t w[80], v[5];
    for (int i = 0; i < 16; ++i) {
        const uint8_t *b = &s->block[4 * i];
        w[i] = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    for (int i = 16; i < 80; ++i) {
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    memcpy(v, s->h, sizeof(v));
    for (int i = 0; i < 80; ++i) {
        uint32_t f = i < 20 ? ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999
            : i < 40 ? (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1
            : i < 60 ? ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdc
            : (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6;
        uint32_t t = rotate(v[0], 5) + f + v[4] + w[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = t;
    }
    for (int i = 0; i < 5; ++i) {
        s->h[i] += v[i];
    }
}

static void add(sha1_t *s, const uint8_t *data, size_t len) {
    while (len--) {
        s->block[s->total++ & 63] = *data++;
        if ((s->total & 63) == 0) {
            add_block(s);
        }
    }
}

static mp_obj_t sha1_update(mp_obj_t self, mp_obj_t data) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(data, &buf, MP_BUFFER_READ);
    add(MP_OBJ_TO_PTR(self), buf.buf, buf.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(sha1_update_obj, sha1_update);

static mp_obj_t sha1_digest(mp_obj_t self) {
    static const uint8_t end[64] = { 0x80 };
    sha1_t s = *(sha1_t *)MP_OBJ_TO_PTR(self);
    uint64_t bits = (uint64_t)s.total * 8;
    add(&s, end, 1 + (119 - s.total % 64) % 64);
    for (int i = 7; i >= 0; --i) {
        uint8_t b = bits >> (8 * i);
        add(&s, &b, 1);
    }
    uint8_t digest[20];
    for (int i = 0; i < 20; ++i) {
        digest[i] = s.h[i / 4] >> (24 - i % 4 * 8);
    }
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(sha1_digest_obj, sha1_digest);

static mp_obj_t sha1_make_new(const mp_obj_type_t *type, size_t n, size_t n_kw,
    const mp_obj_t *args) {
    mp_arg_check_num(n, n_kw, 0, 1, false);
    sha1_t *s = mp_obj_malloc(sha1_t, type);
    static const uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    memcpy(s->h, h, sizeof(h));
    s->total = 0;
    if (n == 1) {
        sha1_update(MP_OBJ_FROM_PTR(s), args[0]);
    }
    return MP_OBJ_FROM_PTR(s);
}

static const mp_rom_map_elem_t sha1_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&sha1_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&sha1_digest_obj) },
};
static MP_DEFINE_CONST_DICT(sha1_locals, sha1_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    board_sha1_type, MP_QSTR_sha1, MP_TYPE_FLAG_NONE,
    make_new, sha1_make_new,
    locals_dict, &sha1_locals
    );
