// The network: a LAN9118 Ethernet controller below lwIP, lwIP's own life in PendSV, network.LAN.
//
// As on rp2 and stm32 the controller's interrupt and a tick of 64 ms start PendSV, which moves
// received frames into lwIP and runs its timers.  Python code meets lwIP only through
// extmod/modlwip.c, with PendSV held off.

#include <string.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "py/mperrno.h"
#include "extmod/modnetwork.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/dns.h"
#include "lwip/memp.h"
#include "lwip/stats.h"
#include "netif/ethernet.h"
#include "config.h"

#define LAN(offset) (*(volatile uint32_t *)(0x40200000 + (offset)))
#define RX_DATA     LAN(0x00)
#define TX_DATA     LAN(0x20)
#define RX_STATUS   LAN(0x40)
#define TX_STATUS   LAN(0x48)
#define IRQ_CFG     LAN(0x54)
#define INT_STS     LAN(0x58)
#define INT_EN      LAN(0x5c)
#define BYTE_TEST   LAN(0x64)
#define FIFO_INT    LAN(0x68)
#define RX_CFG      LAN(0x6c)
#define TX_CFG      LAN(0x70)
#define RX_FIFO_INF LAN(0x7c)
#define TX_FIFO_INF LAN(0x80)
#define MAC_CMD     LAN(0xa4)
#define MAC_DATA    LAN(0xa8)
#define INT_RSFL    (1 << 3)
#define ICSR        (*(volatile uint32_t *)0xe000ed04)

static struct netif netif;
static volatile bool tick;
uint32_t board_frames[3]; // in, out, no room in lwIP

static void mac_write(int reg, uint32_t value) {
    MAC_DATA = value;
    MAC_CMD = 0x80000000 | reg;
    while (MAC_CMD & 0x80000000) {
    }
}

static err_t output(struct netif *n, struct pbuf *p) {
    uint32_t words[(1514 + 3) / 4];
    uint16_t len = pbuf_copy_partial(p, words, sizeof(words), 0);
    TX_DATA = 1 << 13 | 1 << 12 | len; // the first and the last segment
    TX_DATA = len;
    for (int i = 0; i < (len + 3) / 4; ++i) {
        TX_DATA = words[i];
    }
    while (TX_FIFO_INF >> 16 & 0xff) {
        (void)TX_STATUS;
    }
    ++board_frames[1];
    return ERR_OK;
}

static void input(void) {
    while (RX_FIFO_INF >> 16 & 0xff) {
        uint32_t len = RX_STATUS >> 16 & 0x3fff; // with the checksum
        static uint32_t words[1600 / 4];
        uint32_t n = (len + 3) / 4;
        for (uint32_t i = 0; i < n; ++i) {
            uint32_t w = RX_DATA;
            if (i < MP_ARRAY_SIZE(words)) {
                words[i] = w;
            }
        }
        if (len < 18 || len > sizeof(words)) {
            continue;
        }
        ++board_frames[0];
        struct pbuf *p = pbuf_alloc(PBUF_RAW, len - 4, PBUF_POOL);
        if (p == NULL) {
            ++board_frames[2]; // as cyw43: dropped
            continue;
        }
        pbuf_take(p, words, len - 4);
        if (netif.input(p, &netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
}

void board_net_irq(void) {
    INT_EN = 0;
    INT_STS = INT_RSFL;
    ICSR = 1 << 28; // PENDSVSET
}

void board_net_tick(uint32_t ms) {
    if ((ms & 63) == 0) {
        tick = true;
        ICSR = 1 << 28;
    }
}

void board_net_poll(void) {
    input();
    if (tick) {
        tick = false;
        sys_check_timeouts();
    }
    INT_EN = INT_RSFL;
}

void PendSV_Handler(void) {
    board_net_poll();
}

u32_t sys_now(void) {
    return mp_hal_ticks_ms();
}

static err_t board_netif_init(struct netif *n) {
    n->linkoutput = output;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->mtu = 1500;
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
    memcpy(n->name, "e0", 2);
    n->hwaddr_len = 6;
    memcpy(n->hwaddr, "\x52\x54\x00\x12\x34\x56", 6);
    return ERR_OK;
}

// Takes away the connections that the board is not to have, for good.
static void limit_pcbs(void) {
    uint32_t pcbs = BOARD_CONFIG_PCBS ? BOARD_CONFIG_PCBS : 5;
    while (pcbs++ < MEMP_NUM_TCP_PCB) {
        memp_malloc(MEMP_TCP_PCB);
    }
    memset(lwip_stats.memp[MEMP_TCP_PCB], 0, sizeof(struct stats_mem));
}

void board_net_init(void) {
    limit_pcbs();
    if (BYTE_TEST != 0x87654321) {
        mp_printf(&mp_plat_print, "no LAN9118\n");
        return;
    }
    IRQ_CFG = 1 << 8 | 1 << 4 | 1; // enabled, active high, push-pull
    FIFO_INT = 0;
    RX_CFG = 0;
    TX_CFG = 2; // on
    mac_write(2, 0x5634);
    mac_write(3, 0x12005452);
    mac_write(1, 1 << 19 | 1 << 3 | 1 << 2); // all multicast, transmit, receive

    ip4_addr_t ip, mask, gw;
    IP4_ADDR(&ip, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gw, 10, 0, 2, 2);
    netif_add(&netif, &ip, &mask, &gw, NULL, board_netif_init, ethernet_input);
    netif_set_hostname(&netif, "lwip-board");
    netif_set_default(&netif);
    netif_set_up(&netif);
    netif_set_link_up(&netif);
    netif_create_ip6_linklocal_address(&netif, 1);
    ip_addr_t dns;
    IP_ADDR4(&dns, 10, 0, 2, 3);
    dns_setserver(0, &dns);
    board_net_irq_enable();
    INT_EN = INT_RSFL;
}

void mod_network_lwip_init(void) {
}

// ---- network.LAN: so much that a boot.py can ask for the address ------------

typedef struct _network_lan_obj_t {
    mp_obj_base_t base;
} network_lan_obj_t;
static const network_lan_obj_t network_lan_obj = { { &network_lan_type } };

static mp_obj_t network_lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
    const mp_obj_t *args) {
    return MP_OBJ_FROM_PTR(&network_lan_obj);
}
static mp_obj_t network_lan_active(size_t n_args, const mp_obj_t *args) {
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_active_obj, 1, 2, network_lan_active);

static mp_obj_t network_lan_isconnected(mp_obj_t self) {
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(network_lan_isconnected_obj, network_lan_isconnected);

static mp_obj_t network_lan_ifconfig(size_t n_args, const mp_obj_t *args) {
    return mod_network_nic_ifconfig(&netif, n_args - 1, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_ifconfig_obj, 1, 2, network_lan_ifconfig);

static const mp_rom_map_elem_t network_lan_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&network_lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&network_lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&network_lan_ifconfig_obj) },
};
static MP_DEFINE_CONST_DICT(network_lan_locals_dict, network_lan_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_lan_type, MP_QSTR_LAN, MP_TYPE_FLAG_NONE,
    make_new, network_lan_make_new,
    locals_dict, &network_lan_locals_dict
    );

