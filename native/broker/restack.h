#pragma once
#include "broker.h"
#include "wire.h"

struct restack_order {
    struct restack_request request;
    unsigned slot;
    pid_t init; /* PID 1 */
    int pidfd;  /* of it */
};

/* Undone when it fails: the sandbox keeps the stack that it has. Runs in a worker, and leaves it in other namespaces. */
int restack(const struct broker *broker, const void *order, struct outcome *out);
