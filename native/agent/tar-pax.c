#include "agent/tar-pax.h"

#include <string.h>

void pax_clear(struct pax *pax)
{
    pax->has_path = pax->has_link = pax->has_size = pax->has_uid = pax->has_gid = pax->has_mtime = false;
    pax->length = 0;
}

static bool take_text(char to[PATH_MAX], const char *value, size_t length)
{
    if (length == 0 || length >= PATH_MAX || memchr(value, 0, length))
        return false;
    memcpy(to, value, length);
    to[length] = 0;
    return true;
}

/* Digits only; returns how many were read, 0 when the number is none or too large. */
static size_t take_digits(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (*value > (max - digit) / 10)
            return 0;
        *value = *value * 10 + digit;
    }
    return i;
}

static bool take_number(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    return length && take_digits(text, length, max, value) == length;
}

/* Decimal seconds with a fraction, which may be negative. */
static bool take_time(struct pax *pax, const char *text, size_t length)
{
    uint64_t seconds;
    uint32_t nanoseconds = 0;
    bool negative = length && *text == '-';
    text += negative;
    length -= negative;
    /* 2^40 s: past what file systems hold, far from an overflow. */
    size_t digits = take_digits(text, length, UINT64_C(1) << 40, &seconds);
    if (!digits)
        return false;
    if (digits < length) {
        if (text[digits++] != '.')
            return false;
        uint32_t unit = 100000000;
        for (; digits < length; digits++, unit /= 10) {
            if (text[digits] < '0' || text[digits] > '9')
                return false;
            nanoseconds += unit * (uint32_t)(text[digits] - '0');
        }
    }
    pax->mtime_seconds = negative ? -(int64_t)seconds : (int64_t)seconds;
    if (negative && nanoseconds) {
        pax->mtime_seconds--;
        nanoseconds = 1000000000 - nanoseconds;
    }
    pax->mtime_nanoseconds = nanoseconds;
    return true;
}

static bool key_is(const char *key, size_t length, const char *name)
{
    return strlen(name) == length && !memcmp(key, name, length);
}

static const char *take_record(struct pax *pax, const char *key, size_t key_length, const char *value, size_t length)
{
    uint64_t number;
    if (key_is(key, key_length, "path"))
        return (pax->has_path = take_text(pax->path, value, length)) ? NULL : "a PAX path that cannot be one";
    if (key_is(key, key_length, "linkpath"))
        return (pax->has_link = take_text(pax->link, value, length)) ? NULL : "a PAX linkpath that cannot be one";
    if (key_is(key, key_length, "mtime"))
        return (pax->has_mtime = take_time(pax, value, length)) ? NULL : "a PAX mtime that is no time";
    if (key_is(key, key_length, "size")) {
        pax->has_size = take_number(value, length, INT64_MAX, &pax->size);
        return pax->has_size ? NULL : "a PAX size that is no number";
    }
    if (key_is(key, key_length, "uid") || key_is(key, key_length, "gid")) {
        if (!take_number(value, length, UINT32_MAX - 1, &number))
            return "a PAX id that is no number";
        *(*key == 'u' ? &pax->has_uid : &pax->has_gid) = true;
        *(*key == 'u' ? &pax->uid : &pax->gid) = (uint32_t)number;
        return NULL;
    }
    /* Its bytes are not the file's: unpacking them as such would be silent damage. */
    if (key_length > 11 && !memcmp(key, "GNU.sparse.", 11))
        return "a sparse member, which is not supported";
    return NULL;
}

const char *pax_parse(struct pax *pax)
{
    const char *at = pax->bytes;
    const char *end = pax->bytes + pax->length;
    while (at < end) {
        uint64_t length;
        size_t left = (size_t)(end - at);
        size_t digits = take_digits(at, left, left, &length);
        if (!digits || digits >= length || at[digits] != ' ' || at[length - 1] != '\n')
            return "a PAX header that cannot be read";
        const char *key = at + digits + 1;
        const char *record_end = at + length - 1;
        const char *equals = key < record_end ? memchr(key, '=', (size_t)(record_end - key)) : NULL;
        if (!equals)
            return "a PAX header that cannot be read";
        const char *problem =
            take_record(pax, key, (size_t)(equals - key), equals + 1, (size_t)(record_end - equals - 1));
        if (problem)
            return problem;
        at += length;
    }
    pax->length = 0;
    return NULL;
}

const char *pax_take_long_name(struct pax *pax, bool is_link)
{
    size_t length = strnlen(pax->bytes, pax->length);
    pax->length = 0;
    bool taken = take_text(is_link ? pax->link : pax->path, pax->bytes, length);
    *(is_link ? &pax->has_link : &pax->has_path) = taken;
    return taken ? NULL : "a long name that cannot be one";
}
