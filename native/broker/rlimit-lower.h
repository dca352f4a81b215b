#pragma once
#include <sys/resource.h>

/* Sets a limit, hard and soft, to the value, or leaves it where it is lower. Returns 0, or -1 with errno. */
int rlimit_lower(int resource, rlim_t value);
