/* One of the command's output streams. */
#pragma once
#include "agent/outbox.h"

struct output {
    int fd; /* -1: at its end */
    uint8_t type;
    uint64_t limit; /* bytes to forward, 0: all */
    uint64_t total; /* bytes read */
};

/*
 * Reads one piece, ≤ `most` bytes, and puts into the outbox what may be forwarded. Returns the bytes read, 0 when there
 * is nothing now or for ever.
 */
size_t output_pump(struct output *output, struct outbox *outbox, size_t most);

void output_close(struct output *output);
