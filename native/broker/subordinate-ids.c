#include "subordinate-ids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits only: strtoull() would take a sign and blanks. Returns what follows, or NULL. */
static const char *parse_number(const char *text, uint64_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno ? NULL : end;
}

static int line_meets(const char *line, uint64_t first, uint64_t count)
{
    uint64_t start, length;
    const char *at = strchr(line, ':');
    at = at ? parse_number(at + 1, &start) : NULL;
    at = at && *at == ':' ? parse_number(at + 1, &length) : NULL;
    if (!at || (*at && *at != '\n'))
        return 1;
    /* No sum of the two: it may be more than 64 bits hold. */
    return length && start < first + count && (start >= first || length > first - start);
}

int meets_subordinate_ids(const char *path, uint64_t first, uint64_t count)
{
    char line[256];
    int meets = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno != ENOENT;
    while (!meets && fgets(line, sizeof line, file))
        meets = line[0] != '#' && line[0] != '\n' && line_meets(line, first, count);
    meets |= ferror(file) != 0;
    fclose(file);
    return meets;
}
