#include "names.h"

#include <string.h>

void hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = 0;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int unhex(const char *text, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int high = digit(text[2 * i]);
        int low = high < 0 ? -1 : digit(text[2 * i + 1]);
        if (low < 0)
            return -1;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int name_is_padded(const char *field, size_t width)
{
    size_t length = strnlen(field, width);
    if (length == 0 || length == width)
        return 0;
    for (size_t i = length; i < width; i++)
        if (field[i])
            return 0;
    return 1;
}

/* ASCII only, whatever the locale: isalnum() would ask it. */
static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int staged_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length < 1 || length > 64)
        return 0;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-'))
            return 0;
    return 1;
}

int layer_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length < 5 || length > 128 || name[3] != '-' || strstr(name, ".."))
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (name[i] < '0' || name[i] > '9')
            return 0;
    for (const char *c = name + 4; *c; c++)
        if (!is_plain(*c) && *c != '_' && *c != '.' && *c != '-')
            return 0;
    return 1;
}

int hostname_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length < 1 || length > 64) /* 64: HOST_NAME_MAX */
        return 0;
    for (const char *c = name; *c; c++)
        if (!is_plain(*c) && *c != '_' && *c != '-')
            return 0;
    return 1;
}
