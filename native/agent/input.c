#include "agent/input.h"

#include <errno.h>
#include <unistd.h>

#define END_OF_TRANSMISSION 4 /* ^D, VEOF of a fresh terminal; termios(3) */

static void drop_rest(struct input *input)
{
    input->taken += input->end - input->start;
    input->start = input->end = 0;
}

/* A terminal's descriptor is the output's too, and is closed there. */
void input_detach(struct input *input)
{
    if (input->fd >= 0 && !input->terminal)
        close(input->fd);
    input->fd = -1;
    drop_rest(input);
}

bool input_accept(struct input *input, const uint8_t *bytes, size_t length)
{
    if (input->ended)
        return false;
    if (length == 0) {
        input->ended = true;
        return true;
    }
    if (input->end - input->start + length > sizeof input->bytes)
        return false;
    if (input->end + length > sizeof input->bytes) {
        memmove(input->bytes, input->bytes + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    memcpy(input->bytes + input->end, bytes, length);
    input->end += length;
    if (input->fd < 0)
        drop_rest(input);
    return true;
}

static void end_input(struct input *input)
{
    static const uint8_t end = END_OF_TRANSMISSION;
    if (input->terminal && write(input->fd, &end, 1) < 0 && (errno == EAGAIN || errno == EINTR))
        return; /* still pending: tried again when the terminal takes more */
    input_detach(input);
}

void input_pump(struct input *input)
{
    while (input->fd >= 0 && input->start < input->end) {
        ssize_t n = write(input->fd, input->bytes + input->start, input->end - input->start);
        if (n > 0) {
            input->start += (size_t)n;
            input->taken += (uint64_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else if (n == 0 || errno != EINTR) {
            input_detach(input);
        }
    }
    if (input->start == input->end)
        input->start = input->end = 0;
    if (input->ended && input->fd >= 0)
        end_input(input);
}
