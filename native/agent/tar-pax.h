/* Values that a PAX or GNU header gives to the member behind it. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAX_BYTES_MAX 65536u

struct pax {
    bool has_path, has_link, has_size, has_uid, has_gid, has_mtime;
    char path[PATH_MAX];
    char link[PATH_MAX];
    uint64_t size;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_seconds;
    uint32_t mtime_nanoseconds;
    size_t length; /* bytes of the header that were collected so far */
    char bytes[PAX_BYTES_MAX];
};

/* Forgets everything, without touching pages that were not used. */
void pax_clear(struct pax *pax);

/* Reads the collected records. Returns NULL, or what is wrong. */
const char *pax_parse(struct pax *pax);

/* Takes the collected bytes as a GNU long name. Returns NULL, or what is wrong. */
const char *pax_take_long_name(struct pax *pax, bool is_link);
