/*
 * A starter is a process that waits for one sandbox to start. What does not depend on the request is done while it
 * waits: it sits in its slot's cgroups (Kernel: the first move into a v1 group after some idle time costs 5–13 ms of
 * RCU grace periods, kernel-facts), in fresh network, ipc, uts, cgroup and pid namespaces, and holds the user namespace.
 * Its child waits too, with a mount namespace in which /proc, /dev and /sys stand ready: it becomes PID 1.
 */
#pragma once
#include "broker.h"

/* What a starter says when it is ready, and when it has started a machine. */
struct starter_report {
    struct wire_outcome outcome;
    int32_t pid; /* of PID 1, as the host numbers it */
};

/* Runs in a forked child of the broker and never returns. */
_Noreturn void starter_run(const struct broker *broker, unsigned slot, int channel);

void slot_name(unsigned slot, char name[8]);
