#include "tar/sink.h"

#include "agent/connection.h"

#include <errno.h>
#include <unistd.h>

static uint8_t frame[FRAME_HEADER + FRAME_PAYLOAD_MAX];
static size_t filled;

static size_t room(void)
{
    return FRAME_PAYLOAD_MAX - filled;
}

int sink_flush(void)
{
    if (!filled)
        return 0;
    put_frame_header(frame, FRAME_DATA, (uint32_t)filled);
    size_t length = FRAME_HEADER + filled;
    filled = 0;
    return send_bytes(frame, length);
}

int sink_put(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length) {
        if (!room() && sink_flush())
            return -1;
        size_t piece = length < room() ? length : room();
        memcpy(frame + FRAME_HEADER + filled, at, piece);
        filled += piece;
        at += piece;
        length -= piece;
    }
    return 0;
}

ssize_t sink_read(int fd, size_t most)
{
    ssize_t n;
    if (!room() && sink_flush())
        return SINK_LOST;
    do {
        n = read(fd, frame + FRAME_HEADER + filled, most < room() ? most : room());
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        filled += (size_t)n;
    return n;
}
