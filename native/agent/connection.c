#include "agent/connection.h"

#include "agent/reply.h"
#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define LINGER_MS 2000

static int wait_for(short events, int64_t deadline_ms)
{
    struct pollfd poll_fd = { .fd = CONNECTION_FD, .events = events };
    for (;;) {
        int n = poll(&poll_fd, 1, deadline_ms == NO_DEADLINE ? -1 : ms_until(deadline_ms));
        if (n > 0)
            return 0;
        if (n == 0)
            return errno = ETIMEDOUT, -1;
        if (errno != EINTR)
            return -1;
    }
}

int receive_frame(struct inbox *inbox, uint32_t payload_max, int64_t deadline_ms, struct frame *frame)
{
    for (;;) {
        switch (inbox_next(inbox, payload_max, frame)) {
        case INBOX_FRAME:
            return 0;
        case INBOX_BAD:
            return errno = EPROTO, -1;
        case INBOX_MORE:
            break;
        }
        ssize_t n = inbox_fill(inbox, CONNECTION_FD);
        if (n == 0)
            return errno = ECONNRESET, -1;
        if (n < 0 && errno == EAGAIN) {
            if (wait_for(POLLIN, deadline_ms))
                return -1;
        } else if (n < 0 && errno != EINTR) {
            return -1;
        }
    }
}

int send_bytes(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length) {
        ssize_t n = send(CONNECTION_FD, at, length, MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (wait_for(POLLOUT, NO_DEADLINE))
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int send_frame(uint8_t type, const void *payload, uint32_t length)
{
    uint8_t frame[FRAME_HEADER + 512];
    if (length > sizeof frame - FRAME_HEADER)
        return errno = EMSGSIZE, -1;
    put_frame_header(frame, type, length);
    if (length)
        memcpy(frame + FRAME_HEADER, payload, length);
    return send_bytes(frame, FRAME_HEADER + length);
}

void send_error(int error, enum step step, const char *message)
{
    uint8_t payload[ERROR_LENGTH_MAX];
    /* Nobody is left to be told when this fails. */
    (void)send_frame(FRAME_ERROR, payload, put_error(payload, error, step, message));
}

void linger(struct inbox *inbox)
{
    int64_t deadline_ms = now_ms() + LINGER_MS;
    for (;;) {
        inbox->start = inbox->end = 0;
        ssize_t n = inbox_fill(inbox, CONNECTION_FD);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || now_ms() >= deadline_ms)
            return;
        if (n < 0 && wait_for(POLLIN, deadline_ms))
            return;
    }
}
