#include "agent/tar-links.h"

#include <stdint.h>
#include <string.h>

#define SLOTS 32768u /* a power of two */
#define USED_MAX (SLOTS / 4 * 3)
#define NAMES_BYTES (2u << 20)

struct seen {
    dev_t device;
    ino_t inode;
    uint32_t name; /* offset in names, 0: free */
};

static struct seen table[SLOTS];
static char names[NAMES_BYTES];
static uint32_t names_end = 1;
static uint32_t used;

static struct seen *slot_of(const struct stat *stat)
{
    uint32_t at = (uint32_t)(((uint64_t)stat->st_ino * 0x9E3779B97F4A7C15u) >> 40);
    for (;; at++) {
        struct seen *seen = &table[at % SLOTS];
        if (!seen->name || (seen->inode == stat->st_ino && seen->device == stat->st_dev))
            return seen;
    }
}

const char *earlier_link(const struct stat *stat, const char *path)
{
    struct seen *seen = slot_of(stat);
    if (seen->name)
        return names + seen->name;
    size_t length = strlen(path) + 1;
    if (used == USED_MAX || length > sizeof names - names_end)
        return NULL;
    memcpy(names + names_end, path, length);
    *seen = (struct seen){ .device = stat->st_dev, .inode = stat->st_ino, .name = names_end };
    names_end += (uint32_t)length;
    used++;
    return NULL;
}
