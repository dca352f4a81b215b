/* What an operation came to: nothing, or the errno and the step that stood in the way. */
#pragma once
#include "steps.h"
#include "wire.h"

#define PAYLOAD_MAX 96

struct outcome {
    struct wire_outcome wire;
    uint32_t payload_length;
    unsigned char payload[PAYLOAD_MAX]; /* of operations with a short answer */
};

/* Records the failure with the current errno and returns -1, so that a caller can `return fail(…)`. */
int fail(struct outcome *out, enum step step, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with an errno of the caller's. */
int fail_with(struct outcome *out, int error, enum step step, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void answer(struct outcome *out, const void *payload, size_t length);
