/* What is to be sent to the client next: a group of frames, written together. */
#pragma once
#include "agent/protocol.h"

#include <sys/types.h>

/* One piece of each stream, and room for what the agent says itself. */
#define OUTBOX_SIZE (2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX) + 1024)

struct outbox {
    size_t start;
    size_t end;
    uint8_t bytes[OUTBOX_SIZE];
};

static inline bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->start == outbox->end;
}

/*
 * Room for a payload of up to FRAME_PAYLOAD_MAX behind the header that outbox_commit() writes. Only right after the
 * outbox was empty.
 */
uint8_t *outbox_room(struct outbox *outbox);

/* Makes the first `length` bytes of outbox_room() a frame. */
void outbox_commit(struct outbox *outbox, uint8_t type, uint32_t length);

/* Whether a small frame can be added to what waits already. */
static inline bool outbox_takes(const struct outbox *outbox, uint32_t length)
{
    return sizeof outbox->bytes - outbox->end >= FRAME_HEADER + length;
}

/* A small frame that the outbox takes. */
void outbox_put(struct outbox *outbox, uint8_t type, const void *payload, uint32_t length);

/* Writes what the socket takes. Returns 0, or -1 when the client has gone. */
int outbox_flush(struct outbox *outbox, int fd);
