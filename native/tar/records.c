#include "tar/records.h"

#include <stdio.h>
#include <string.h>

/* Path and link of a folder's tar may be 32 KiB each (agent/tar-out.c), attributes of a file 64 KiB in most file systems. */
#define RECORDS_MAX (256u << 10)

static char records[RECORDS_MAX];
static size_t filled;

void records_clear(void)
{
    filled = 0;
}

/* "<length> <key>=<value>\n", where the length counts its own digits. */
void records_add(const char *key, const void *value, size_t length)
{
    size_t bare = 1 + strlen(key) + 1 + length + 1;
    size_t whole = bare + 1;
    for (size_t tens = 10; whole >= tens; tens *= 10)
        whole = bare + (size_t)snprintf(NULL, 0, "%zu", whole);
    if (filled > sizeof records || whole >= sizeof records - filled) {
        filled = sizeof records + 1;
        return;
    }
    int head = snprintf(records + filled, sizeof records - filled, "%zu %s=", whole, key);
    memcpy(records + filled + head, value, length);
    filled += whole;
    records[filled - 1] = '\n';
}

void records_add_number(const char *key, long long value)
{
    char digits[24];
    records_add(key, digits, (size_t)snprintf(digits, sizeof digits, "%lld", value));
}

const char *records_all(size_t *length)
{
    *length = filled;
    return filled && filled <= sizeof records ? records : NULL;
}
