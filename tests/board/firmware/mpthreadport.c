// The threads of mpthreadport.h.

#include <stdio.h>
#include <string.h>

#include "py/runtime.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "mpthreadport.h"
#include "config.h"

typedef struct _thread_t {
    uint32_t *sp; // while it does not run
    struct _thread_t *next; // a ring
    struct _mp_state_thread_t *state;
    uint32_t *stack; // on Python's heap; NULL: the main thread
    size_t words;
    void *(*entry)(void *);
    void *arg;
    bool done;
} thread_t;

static thread_t main_thread;
static thread_t *current = &main_thread;
static int idle; // so many threads in a row had nothing to do
static bool idling;
MP_REGISTER_ROOT_POINTER(void *board_threads); // the ring: keeps it from being collected

// r4-r11 and the return address stay on the stack; the pointer to it changes.
__attribute__((naked, noinline)) static void swap(uint32_t **from, uint32_t *to) {
    __asm volatile (
        "push {r4-r11, lr}\n"
        "str sp, [r0]\n"
        "mov sp, r1\n"
        "pop {r4-r11, pc}\n");
}

static void unlink_done(void) {
    thread_t *t = current;
    while (t->next != current) {
        if (t->next->done) {
            t->next = t->next->next;
        } else {
            t = t->next;
        }
    }
}

static void yield(void) {
    thread_t *from = current;
    if (from->next == NULL || from->next == from) {
        return;
    }
    current = from->next;
    swap(&from->sp, current->sp);
    unlink_done();
    MP_STATE_VM(board_threads) = current;
}

static void first_steps(void) {
    unlink_done();
    current->entry(current->arg);
    current->done = true;
    for (;;) {
        yield();
    }
}

void board_thread_idle(void) {
    int n = 1;
    for (thread_t *t = current->next; t != NULL && t != current; t = t->next) {
        ++n;
    }
    if (++idle >= n) {
        idle = 0;
        board_idle();
    }
    MP_THREAD_GIL_EXIT();
    idling = true;
    MP_THREAD_GIL_ENTER();
}

void mp_thread_init(void) {
    memset(&main_thread, 0, sizeof(main_thread));
    main_thread.next = &main_thread;
    current = &main_thread;
    mp_thread_set_state(&mp_state_ctx.thread);
}

void mp_thread_deinit(void) { // after a soft reset only the main thread is left, which calls this
    main_thread.next = &main_thread;
    MP_STATE_VM(board_threads) = NULL;
}

void mp_thread_gc_others(void) {
    thread_t *t = current;
    do {
        void *p[3] = { t, t->stack, t->arg };
        gc_collect_root(p, 3);
        if (t != current && !t->done) {
            uint32_t *top = t->stack + t->words;
            if (t->stack == NULL) {
                top = (uint32_t *)MP_STATE_MAIN_THREAD(stack_top);
            }
            gc_collect_root((void **)t->sp, top - t->sp);
        }
        t = t->next;
    } while (t != NULL && t != current);
}

struct _mp_state_thread_t *mp_thread_get_state(void) {
    return current->state;
}

void mp_thread_set_state(struct _mp_state_thread_t *state) {
    current->state = state;
}

mp_uint_t mp_thread_get_id(void) {
    return (mp_uint_t)current;
}

mp_uint_t mp_thread_create(void *(*entry)(void *), void *arg, size_t *stack_size) {
    unlink_done();
    if (BOARD_CONFIG_TASKS != 0) {
        uint32_t n = 0;
        for (thread_t *t = current->next; t != current; t = t->next) {
            ++n;
        }
        if (n >= BOARD_CONFIG_TASKS) {
            mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("core1 in use"));
        }
    }
    if (*stack_size == 0) {
        *stack_size = 4096;
    } else if (*stack_size < 2048) {
        *stack_size = 2048;
    }
    thread_t *t = m_new0(thread_t, 1);
    t->words = *stack_size / sizeof(uint32_t);
    t->stack = m_new0(uint32_t, t->words);
    t->entry = entry;
    t->arg = arg;
    t->sp = (uint32_t *)((uintptr_t)(t->stack + t->words) & ~7) - 10;
    t->sp[8] = (uint32_t)first_steps | 1; // popped as pc
    *stack_size = t->words * sizeof(uint32_t) - 512;
    t->next = current->next;
    current->next = t;
    MP_STATE_VM(board_threads) = current;
    return (mp_uint_t)t;
}

void mp_thread_start(void) {
}

void mp_thread_finish(void) {
}

void mp_thread_mutex_init(mp_thread_mutex_t *mutex) {
    mutex->locked = 0;
}

int mp_thread_mutex_lock(mp_thread_mutex_t *mutex, int wait) {
    if (mutex == &MP_STATE_VM(gil_mutex)) {
        if (!idling) {
            idle = 0;
        }
        idling = false;
        yield(); // it is given up so that others may run
    } else if (!wait && mutex->locked) {
        return 0;
    }
    while (mutex->locked) {
        if (current->next == current) {
            __asm volatile ("wfi"); // nobody will ever unlock it
        }
        yield();
    }
    mutex->locked = 1;
    return 1;
}

void mp_thread_mutex_unlock(mp_thread_mutex_t *mutex) {
    mutex->locked = 0;
}
