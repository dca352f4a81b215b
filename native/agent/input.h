/* The command's stdin: bytes that the client sent and the command has not taken yet. */
#pragma once
#include "agent/protocol.h"

struct input {
    int fd; /* -1: closed */
    bool terminal;
    bool ended;     /* the client has said so */
    uint64_t taken; /* bytes that the command, or nobody any more, has */
    uint64_t told;  /* how many of them the client knows about */
    size_t start;
    size_t end;
    uint8_t bytes[STDIN_WINDOW];
};

/* Returns false when the client broke its word: more than the window, or anything after the end. */
bool input_accept(struct input *input, const uint8_t *bytes, size_t length);

static inline bool input_is_pending(const struct input *input)
{
    return input->fd >= 0 && (input->start < input->end || input->ended);
}

/* Writes what the command takes; closes its stdin at the end of the input or when the command has closed it. */
void input_pump(struct input *input);

/* Gives up on a stdin that nobody reads any more. */
void input_detach(struct input *input);
