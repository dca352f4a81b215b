#include "packer/owners.h"

#include "packer/pack.h"

#include <errno.h>
#include <stdint.h>

#define IDS 65536 /* that a sandbox has */
/* A squashfs counts users and groups together, in 16 bits: of all 65,536 mksquashfs writes that there are none. */
#define OWNERS_MAX UINT16_MAX

static uint8_t seen[IDS / 8];
static unsigned count;

static int note(unsigned id)
{
    uint8_t bit = (uint8_t)(1 << id % 8);
    if (id >= IDS || (!(seen[id / 8] & bit) && count == OWNERS_MAX))
        return -1;
    count += !(seen[id / 8] & bit);
    seen[id / 8] |= bit;
    return 0;
}

int owners_note(const struct stat *stat, const char *path)
{
    if (note(stat->st_uid) || note(stat->st_gid))
        return fail(EOVERFLOW, "more than %u users and groups, with %s", OWNERS_MAX, path);
    return 0;
}
