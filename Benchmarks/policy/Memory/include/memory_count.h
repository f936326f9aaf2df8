#ifndef MEMORY_COUNT_H
#define MEMORY_COUNT_H

#include <stdint.h>

/// How often memory was asked for since the start, by whatever part of the process.
uint64_t allocationCount(void);

#endif
