#pragma once
// Threads in turn, on one core: whoever waits for a lock lets the others run.  With a GIL that is
// given up every 32 steps this behaves like the threads of an ESP32, or of an STM32.
// BOARD_CONFIG_TASKS=1 allows one thread beside the main one, as the second core of an RP2040
// does, with its message.
#include <stdint.h>
#include <stddef.h>

typedef struct {
    volatile uint8_t locked;
} mp_thread_mutex_t;

void mp_thread_init(void);
void mp_thread_deinit(void);
void mp_thread_gc_others(void);
void board_thread_idle(void);
