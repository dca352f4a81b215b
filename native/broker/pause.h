#pragma once
#include "broker.h"

struct pause {
    int (*work)(const struct broker *broker, void *context, struct outcome *out);
    void *context;
    uint64_t *micros; /* how long the machine stood still */
};

/* Does something while the machine of a slot is frozen. A worker that is killed meanwhile leaves it so: see machine-worked.c. */
int pause_machine(const struct broker *broker, unsigned slot, const struct pause *pause, struct outcome *out);
