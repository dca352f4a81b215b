#include "outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
#define X(number, name, text) [number] = text,
    BROKER_STEPS(X)
#undef X
};

const char *step_text(enum step step)
{
    return (size_t)step < sizeof texts / sizeof *texts && texts[step] ? texts[step] : "?";
}

static int record(struct outcome *out, int error, enum step step, const char *format, va_list arguments)
{
    /* An undo on the way out must not hide what went wrong first. */
    if (out->wire.error)
        return -1;
    out->wire.error = error ? (uint32_t)error : EIO;
    out->wire.step = step;
    vsnprintf(out->wire.text, sizeof out->wire.text, format, arguments);
    return -1;
}

int fail(struct outcome *out, enum step step, const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    record(out, error, step, format, arguments);
    va_end(arguments);
    return -1;
}

int fail_with(struct outcome *out, int error, enum step step, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(out, error, step, format, arguments);
    va_end(arguments);
    return -1;
}

void answer(struct outcome *out, const void *payload, size_t length)
{
    if (length > sizeof out->payload)
        __builtin_trap();
    memcpy(out->payload, payload, length);
    out->payload_length = (uint32_t)length;
}
