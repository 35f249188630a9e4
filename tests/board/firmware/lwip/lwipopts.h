// lwIP as the rp2 port of MicroPython has it, in its ports/rp2/lwip_inc/lwipopts.h, but for the
// source of random numbers, and with statistics.

#define LWIP_NETIF_EXT_STATUS_CALLBACK  1
#define LWIP_NETIF_STATUS_CALLBACK      1

#define LWIP_IPV4                       1
#define LWIP_IPV6                       1
#define LWIP_ND6_NUM_DESTINATIONS       4
#define LWIP_ND6_QUEUEING               0

#include <stdint.h>
extern uint32_t board_random(void);
#define LWIP_RAND() board_random()

// rp2 has 5, lwIP's own default; so has the board, unless more are asked for: see network.c.
#define MEMP_NUM_TCP_PCB                16

#include "extmod/lwip-include/lwipopts_common.h"

#undef LWIP_STATS
#define LWIP_STATS                      1
#define LWIP_STATS_LARGE                1
