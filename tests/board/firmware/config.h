#pragma once
// What the runner (../board.py) asks of a board before it starts: words at the end of its second
// RAM, which is a file on the host; zero is the usual value.
#define BOARD_CONFIG       ((volatile uint32_t *)0x21ffffe0)
#define BOARD_CONFIG_HEAP  (BOARD_CONFIG[0]) // of Python, in bytes: 192 kB
#define BOARD_CONFIG_FLASH (BOARD_CONFIG[1]) // in bytes: 848 kB, as on a Pico W
#define BOARD_CONFIG_TASKS (BOARD_CONFIG[2]) // threads beside the main one: as many as fit
#define BOARD_CONFIG_PCBS  (BOARD_CONFIG[3]) // TCP connections, at most 16: 5, as on a Pico W
