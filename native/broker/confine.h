#pragma once
#include "outcome.h"

/*
 * Leaves the broker, and whatever it forks from now on, the system calls that it has a use for: no kernel modules, kexec,
 * bpf, io_uring, keys, clocks, performance events. A sandbox's own filter comes on top and may only take away.
 */
int confine_broker(struct outcome *out);
