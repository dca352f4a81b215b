#include "tar/sink.h"

#include "packer/mksquashfs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint8_t buffer[64 << 10]; /* what a pipe takes at once */
static size_t filled;

int sink_flush(void)
{
    size_t done = 0;
    while (done < filled) {
        ssize_t n = write(mksquashfs_input(), buffer + done, filled - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    filled = 0;
    return 0;
}

int sink_put(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length) {
        if (filled == sizeof buffer && sink_flush())
            return -1;
        size_t piece = length < sizeof buffer - filled ? length : sizeof buffer - filled;
        memcpy(buffer + filled, at, piece);
        filled += piece;
        at += piece;
        length -= piece;
    }
    return 0;
}

ssize_t sink_read(int fd, size_t most)
{
    ssize_t n;
    if (filled == sizeof buffer && sink_flush())
        return SINK_LOST;
    size_t room = sizeof buffer - filled;
    while ((n = read(fd, buffer + filled, most < room ? most : room)) < 0 && errno == EINTR)
        ;
    filled += n > 0 ? (size_t)n : 0;
    return n;
}
