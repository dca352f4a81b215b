/* Takes frames out of a byte stream. One buffer per process, as large as the largest request. */
#pragma once
#include "agent/protocol.h"

#include <sys/types.h>

struct inbox {
    size_t start;
    size_t end;
    uint8_t bytes[FRAME_HEADER + REQUEST_PAYLOAD_MAX];
};

enum inbox_state { INBOX_FRAME, INBOX_MORE, INBOX_BAD };

/* Takes the next whole frame; its payload is good until the next inbox_fill(). Bad: a header that cannot be right. */
enum inbox_state inbox_next(struct inbox *inbox, uint32_t payload_max, struct frame *frame);

/* One read. Returns what read() returns: 0 at the end of the stream, -1 with errno. */
ssize_t inbox_fill(struct inbox *inbox, int fd);
