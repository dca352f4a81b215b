/* Time that no one can set: deadlines must hold when the wall clock jumps. */
#pragma once
#include <stdint.h>
#include <time.h>

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What poll() takes: the rest until a deadline, at least 0. */
static inline int ms_until(int64_t deadline_ms)
{
    int64_t left = deadline_ms - now_ms();
    return left < 0 ? 0 : left > 86400000 ? 86400000 : (int)left;
}
