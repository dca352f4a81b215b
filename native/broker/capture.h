#pragma once
#include "broker.h"
#include "wire.h"

struct capture_order {
    struct capture_request request;
    unsigned slot;
};

/* Packs the upper of a running sandbox into the store, at one point in time. Runs in a worker. */
int capture(const struct broker *broker, const void *order, struct outcome *out);
/* Removes what a worker that was killed had written for the sandbox; or a broker, for all. */
void capture_clean(const struct broker *broker, const uint8_t label[8]);
void captures_clean(const struct broker *broker);
