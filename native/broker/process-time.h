#pragma once
#include <sys/types.h>

/* When the process started, in clock ticks since boot: with the pid, a name that is never used twice. 0: no such process. */
unsigned long long process_start_time(pid_t pid);
