// What MicroPython asks of a port, and what the parts of this one share.

#include <stddef.h>
#include <stdint.h>
#include "shared/runtime/interrupt_char.h"

// lwIP runs in PendSV, the exception of the lowest priority, as on rp2 and stm32; it is kept out
// by raising BASEPRI, as on stm32.
#define BOARD_PRI_PENDSV (0xf0)

static inline uint32_t board_raise_pri(uint32_t pri) {
    uint32_t basepri;
    __asm volatile ("mrs %0, basepri" : "=r" (basepri));
    __asm volatile ("msr basepri_max, %0" : : "r" (pri) : "memory");
    return basepri;
}
static inline void board_restore_pri(uint32_t basepri) {
    __asm volatile ("msr basepri, %0" : : "r" (basepri) : "memory");
}
static inline uint32_t board_disable_irq(void) {
    uint32_t primask;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (primask) : : "memory");
    return primask;
}
static inline void board_enable_irq(uint32_t primask) {
    __asm volatile ("msr primask, %0" : : "r" (primask) : "memory");
}

#define MICROPY_BEGIN_ATOMIC_SECTION()     board_disable_irq()
#define MICROPY_END_ATOMIC_SECTION(state)  board_enable_irq(state)

#define MICROPY_PY_LWIP_ENTER   uint32_t atomic_state = board_raise_pri(BOARD_PRI_PENDSV);
#define MICROPY_PY_LWIP_REENTER atomic_state = board_raise_pri(BOARD_PRI_PENDSV);
#define MICROPY_PY_LWIP_EXIT    board_restore_pri(atomic_state);

// SysTick wakes it each millisecond, the network and the serial line at once.
#if MICROPY_PY_THREAD
void board_thread_idle(void);
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) board_thread_idle()
#else
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) board_idle()
#endif

void mp_hal_get_random(size_t n, uint8_t *buf);
void board_net_init(void);
void board_net_irq(void);
void board_net_tick(uint32_t ms);
void board_net_irq_enable(void);
void board_idle(void);
uint64_t board_busy_ticks(void);
uint32_t board_seconds(void);
extern uint32_t board_frames[3];
