#include "agent/outbox.h"

#include <errno.h>
#include <sys/socket.h>

uint8_t *outbox_room(struct outbox *outbox)
{
    return outbox->bytes + outbox->end + FRAME_HEADER;
}

void outbox_commit(struct outbox *outbox, uint8_t type, uint32_t length)
{
    put_frame_header(outbox->bytes + outbox->end, type, length);
    outbox->end += FRAME_HEADER + length;
}

void outbox_put(struct outbox *outbox, uint8_t type, const void *payload, uint32_t length)
{
    memcpy(outbox_room(outbox), payload, length);
    outbox_commit(outbox, type, length);
}

int outbox_flush(struct outbox *outbox, int fd)
{
    while (outbox->start < outbox->end) {
        ssize_t n = send(fd, outbox->bytes + outbox->start, outbox->end - outbox->start, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        outbox->start += (size_t)n;
    }
    outbox->start = outbox->end = 0;
    return 0;
}
