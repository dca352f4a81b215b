#include "agent/output.h"

#include <errno.h>
#include <unistd.h>

void output_close(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
}

static uint64_t forwardable(const struct output *output, uint64_t length)
{
    if (!output->limit)
        return length;
    uint64_t left = output->total < output->limit ? output->limit - output->total : 0;
    return length < left ? length : left;
}

size_t output_pump(struct output *output, struct outbox *outbox, size_t most)
{
    ssize_t n;
    if (output->fd < 0)
        return 0;
    do {
        n = read(output->fd, outbox_room(outbox), most < FRAME_PAYLOAD_MAX ? most : FRAME_PAYLOAD_MAX);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    /* Kernel: a terminal whose other end is closed gives EIO, a pipe 0. */
    if (n <= 0) {
        output_close(output);
        return 0;
    }
    uint64_t forwarded = forwardable(output, (uint64_t)n);
    if (forwarded)
        outbox_commit(outbox, output->type, (uint32_t)forwarded);
    output->total += (uint64_t)n;
    return (size_t)n;
}
