// Vector table, clock, serial line, memory: what is below MicroPython's HAL.

#include <stdint.h>
#include <string.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "py/stream.h"
#include "py/ringbuf.h"
#include "shared/runtime/semihosting_arm.h"

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;

#define REG(a) (*(volatile uint32_t *)(a))
#define NVIC_ISER0  REG(0xe000e100)
#define NVIC_ICER0  REG(0xe000e180)
#define NVIC_PRI(n) (*(volatile uint8_t *)(0xe000e400 + (n)))
#define SCB_ICSR    REG(0xe000ed04)
#define SCB_SHPR(n) (*(volatile uint8_t *)(0xe000ed18 + (n) - 4))
#define IRQ_UART0_RX (0)
#define IRQ_ETHERNET (13)
#define CPU_FREQ_HZ (25000000u) // of the emulated SysTick

// ---- clock -----------------------------------------------------------------

static volatile uint32_t ms_ticks;
static uint32_t boot_seconds;
static uint32_t random_state[4] = { 1, 2, 3, 4 };

static uint32_t semihosting(uint32_t num, const void *arg) {
    register uint32_t r0 __asm ("r0") = num;
    register const void *r1 __asm ("r1") = arg;
    __asm volatile ("bkpt 0xab" : "+r" (r0) : "r" (r1) : "memory");
    return r0;
}

uint32_t board_seconds(void) {
    return boot_seconds + ms_ticks / 1000;
}

uint32_t board_random(void) { // xorshift128
    uint32_t t = random_state[3], s = random_state[0];
    random_state[3] = random_state[2];
    random_state[2] = random_state[1];
    random_state[1] = s;
    t ^= t << 11;
    t ^= t >> 8;
    return random_state[0] = t ^ s ^ (s >> 19);
}

void mp_hal_get_random(size_t n, uint8_t *buf) {
    while (n--) {
        *buf++ = board_random() >> 9;
    }
}

mp_uint_t mp_hal_ticks_ms(void) {
    return ms_ticks;
}

mp_uint_t mp_hal_ticks_us(void) {
    uint32_t ms, cvr;
    do {
        ms = ms_ticks;
        cvr = REG(0xe000e018);
    } while (ms != ms_ticks);
    return ms * 1000 + (CPU_FREQ_HZ / 1000 - 1 - cvr) / (CPU_FREQ_HZ / 1000000);
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return mp_hal_ticks_us();
}

uint64_t mp_hal_time_ns(void) {
    return boot_seconds * 1000000000ull + (uint64_t)ms_ticks * 1000000ull;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_uint_t start = mp_hal_ticks_ms();
    mp_uint_t elapsed = 0;
    do {
        mp_event_wait_ms(ms - elapsed);
        elapsed = mp_hal_ticks_ms() - start;
    } while (elapsed < ms);
}

void mp_hal_delay_us(mp_uint_t us) {
    mp_uint_t start = mp_hal_ticks_us();
    while (mp_hal_ticks_us() - start < us) {
    }
}

// Ticks of the clock, 25 in a microsecond; to be called with interrupts off.
static uint64_t ticks(void) {
    uint32_t cvr = REG(0xe000e018);
    uint64_t ms = ms_ticks;
    if (SCB_ICSR & 1 << 26) { // the next millisecond has begun, and its interrupt waits
        cvr = REG(0xe000e018);
        ++ms;
    }
    return ms * (CPU_FREQ_HZ / 1000) + CPU_FREQ_HZ / 1000 - 1 - cvr;
}

// Waits for an interrupt, and keeps account of that.  With interrupts off it wakes all the same,
// and the interrupt's own work is not taken for waiting.
static uint64_t waited;

void board_idle(void) {
    uint32_t state = board_disable_irq();
    uint64_t begin = ticks();
    __asm volatile ("wfi");
    waited += ticks() - begin;
    board_enable_irq(state);
}

// How long the processor has been at work.  Under QEMU's -icount this counts instructions.
uint64_t board_busy_ticks(void) {
    uint32_t state = board_disable_irq();
    uint64_t busy = ticks() - waited;
    board_enable_irq(state);
    return busy;
}

void SysTick_Handler(void) {
    board_net_tick(++ms_ticks);
}

// ---- serial line -----------------------------------------------------------

#define UART0_DATA  REG(0x40004000)
#define UART0_STATE REG(0x40004004) // 1: transmitter full, 2: receiver full
#define UART0_CTRL  REG(0x40004008) // 1: transmit, 2: receive, 8: interrupt when received
#define UART0_INT   REG(0x4000400c)
#define UART0_BAUD  REG(0x40004010)

static uint8_t stdin_ringbuf_array[512];
static ringbuf_t stdin_ringbuf = { stdin_ringbuf_array, sizeof(stdin_ringbuf_array) };

static void UART_Handler(void) {
    UART0_INT = 2;
    while (UART0_STATE & 2) {
        if (ringbuf_free(&stdin_ringbuf) == 0) {
            NVIC_ICER0 = 1 << IRQ_UART0_RX; // until somebody reads; the line waits meanwhile
            return;
        }
        int c = UART0_DATA & 0xff;
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&stdin_ringbuf, c);
        }
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ret = poll_flags & MP_STREAM_POLL_WR;
    if ((poll_flags & MP_STREAM_POLL_RD) && ringbuf_peek(&stdin_ringbuf) != -1) {
        ret |= MP_STREAM_POLL_RD;
    }
    return ret;
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        uint32_t state = board_disable_irq();
        int c = ringbuf_get(&stdin_ringbuf);
        UART_Handler(); // what had to wait
        NVIC_ISER0 = 1 << IRQ_UART0_RX;
        board_enable_irq(state);
        if (c != -1) {
            return c;
        }
        mp_event_wait_indefinite();
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    for (size_t i = 0; i < len; ++i) {
        while (UART0_STATE & 1) {
        }
        UART0_DATA = str[i];
    }
    return len;
}

int atoi(const char *s) { // lwIP names interfaces with it
    int n = 0;
    while (*s >= '0' && *s <= '9') {
        n = n * 10 + *s++ - '0';
    }
    return n;
}

// ---- start and vectors -----------------------------------------------------

int main(int argc, char **argv);

__attribute__((naked)) void Reset_Handler(void) {
    // interrupts have the uppermost 4 kB as their stack (MSP), the rest what is below (PSP)
    __asm volatile (
        "ldr r0, =_estack\n mov sp, r0\n sub r0, #4096\n msr psp, r0\n"
        "movs r0, #2\n msr control, r0\n isb\n bl reset_c");
}

MP_NORETURN void exit(int status) {
    mp_semihosting_exit(status ? 0x20023 : 0x20026);
    for (;;) {
    }
}

__attribute__((used)) void reset_c(void) {
    for (uint32_t *src = &_sidata, *dest = &_sdata; dest < &_edata;) {
        *dest++ = *src++;
    }
    for (uint32_t *dest = &_sbss; dest < &_ebss;) {
        *dest++ = 0;
    }
    boot_seconds = semihosting(0x11, NULL); // SYS_TIME
    uint32_t clock = semihosting(0x10, NULL); // SYS_CLOCK: hundredths since QEMU's start
    random_state[0] ^= boot_seconds * 2654435761u;
    random_state[1] ^= clock * 40503u;
    for (int i = 0; i < 20; ++i) {
        board_random();
    }
    SCB_SHPR(14) = BOARD_PRI_PENDSV;
    SCB_SHPR(15) = 0x20; // SysTick
    SCB_SHPR(11) = BOARD_PRI_PENDSV; // SVCall
    NVIC_PRI(IRQ_UART0_RX) = 0x40;
    NVIC_PRI(IRQ_ETHERNET) = 0x40;
    REG(0xe000e014) = CPU_FREQ_HZ / 1000 - 1;
    REG(0xe000e018) = 0;
    REG(0xe000e010) = 7;
    UART0_BAUD = 16;
    UART0_CTRL = 1 | 2 | 8;
    NVIC_ISER0 = 1 << IRQ_UART0_RX;
    main(0, NULL);
    exit(0);
}

void board_net_irq_enable(void) {
    NVIC_ISER0 = 1 << IRQ_ETHERNET;
}

static void puts_raw(const char *s) {
    mp_hal_stdout_tx_strn(s, strlen(s));
}

static void hex_raw(uint32_t v) {
    for (int i = 28; i >= 0; i -= 4) {
        mp_hal_stdout_tx_strn("0123456789abcdef" + ((v >> i) & 15), 1);
    }
    puts_raw(" ");
}

// Tells what happened, and ends QEMU.
__attribute__((used)) void fault_c(uint32_t *frame, uint32_t ipsr) {
    puts_raw("\r\nFAULT exception ");
    hex_raw(ipsr & 0x1ff);
    puts_raw("pc lr r0-r3 cfsr bfar ");
    hex_raw(frame[6]);
    hex_raw(frame[5]);
    for (int i = 0; i < 4; ++i) {
        hex_raw(frame[i]);
    }
    hex_raw(REG(0xe000ed28));
    hex_raw(REG(0xe000ed38));
    puts_raw("\r\n");
    exit(1);
}

__attribute__((naked)) void Fault_Handler(void) {
    __asm volatile (
        "tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n"
        "mrs r1, ipsr\n b fault_c");
}

void PendSV_Handler(void);

__attribute__((section(".isr_vector"), used))
const uint32_t isr_vector[16 + 32] = {
    (uint32_t)&_estack,
    (uint32_t)&Reset_Handler,
    [2 ... 13] = (uint32_t)&Fault_Handler,
    [14] = (uint32_t)&PendSV_Handler,
    [15] = (uint32_t)&SysTick_Handler,
    [16 ... 47] = (uint32_t)&Fault_Handler,
    [16 + IRQ_UART0_RX] = (uint32_t)&UART_Handler,
    [16 + IRQ_ETHERNET] = (uint32_t)&board_net_irq,
};

