#include "agent/inbox.h"

#include <unistd.h>

enum inbox_state inbox_next(struct inbox *inbox, uint32_t payload_max, struct frame *frame)
{
    size_t have = inbox->end - inbox->start;
    const uint8_t *header = inbox->bytes + inbox->start;
    if (have < FRAME_HEADER)
        return INBOX_MORE;
    uint32_t length = get_u32(header);
    if (!frame_header_is_sane(header) || length > payload_max)
        return INBOX_BAD;
    if (have < FRAME_HEADER + length)
        return INBOX_MORE;
    *frame = (struct frame){ .type = header[4], .length = length, .payload = header + FRAME_HEADER };
    inbox->start += FRAME_HEADER + length;
    return INBOX_FRAME;
}

ssize_t inbox_fill(struct inbox *inbox, int fd)
{
    if (inbox->start == inbox->end) {
        inbox->start = inbox->end = 0;
    } else if (inbox->start) {
        memmove(inbox->bytes, inbox->bytes + inbox->start, inbox->end - inbox->start);
        inbox->end -= inbox->start;
        inbox->start = 0;
    }
    /* Never full: inbox_next() refuses a frame that is larger than the buffer before it is waited for. */
    ssize_t n = read(fd, inbox->bytes + inbox->end, sizeof inbox->bytes - inbox->end);
    if (n > 0)
        inbox->end += (size_t)n;
    return n;
}
