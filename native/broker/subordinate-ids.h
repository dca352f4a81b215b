/* /etc/subuid and /etc/subgid: ranges lent to people's own user namespaces, a line each: `name:first:count`. */
#pragma once
#include <stdint.h>

/* Whether a range of the file meets [first, first + count); a line that cannot be read is taken to. No file: no range. */
int meets_subordinate_ids(const char *path, uint64_t first, uint64_t count);
