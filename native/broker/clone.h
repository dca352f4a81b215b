#pragma once
#include "broker.h"
#include "wire.h"

struct clone_order {
    struct clone_request request;
    int slot; /* of the machine that has the upper; -1: none has */
};

/* A copy of an upper as it is at one moment, attached. Runs in a worker. */
int clone_upper(const struct broker *broker, const void *order, struct outcome *out);
