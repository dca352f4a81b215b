/*
 * Installations on one host get ids that never meet. Block k belongs to the installation named in /run/squash/ids/k;
 * the file goes with the installation's last sandbox, and after a reboot they are all free.
 */
#include "beneath.h"
#include "run-folder.h"
#include "subordinate-ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCKS 16 /* 16 × 2^26 = 2^30 ids: the span that setup chose */
#define BLOCK_IDS (SLOTS * IDS_PER_SLOT)
#define FOLDER "/run/squash/ids"

/* Whether the block is this installation's after the call: it was already, or it was free or its owner is gone. */
static int claim(const struct broker *broker, int folder, const char *name)
{
    char owner[16] = "", path[64];
    if (read_knob(folder, name, owner, sizeof owner) > 0) {
        owner[8] = 0;
        snprintf(path, sizeof path, "/run/squash/%.8s", owner);
        if (!strcmp(owner, broker->instance))
            return 1;
        if (access(path, F_OK) == 0)
            return 0;
    }
    return !write_file_durably(folder, name, broker->instance, 8, 0400, 0);
}

int id_block_take(struct broker *broker, uint32_t base, struct outcome *out)
{
    int taken = -1;
    mkdir(FOLDER, 0755);
    int folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || flock(folder, LOCK_EX))
        return fail(out, STEP_SLOT, FOLDER);
    /* First the one that it had: sandboxes of an earlier broker live in it. */
    for (int pass = 0; pass < 2 && taken < 0; pass++) {
        for (int block = 0; block < BLOCKS && taken < 0; block++) {
            char name[8], owner[16] = "";
            uint64_t first = base + (uint64_t)block * BLOCK_IDS;
            snprintf(name, sizeof name, "%d", block);
            if (first + BLOCK_IDS > UINT32_MAX)
                break;
            read_knob(folder, name, owner, sizeof owner);
            if (pass == 0 && strncmp(owner, broker->instance, 8))
                continue;
            if (meets_subordinate_ids("/etc/subuid", first, BLOCK_IDS) ||
                meets_subordinate_ids("/etc/subgid", first, BLOCK_IDS))
                continue;
            if (claim(broker, folder, name))
                taken = block;
        }
    }
    close(folder);
    if (taken < 0)
        return fail_with(out, EDQUOT, STEP_SLOT, "no block of ids from %u is free of /etc/subuid", base);
    broker->uid_base = base + (uint32_t)taken * BLOCK_IDS;
    return 0;
}

void id_block_release(const struct broker *broker)
{
    int folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    flock(folder, LOCK_EX);
    for (int block = 0; block < BLOCKS; block++) {
        char name[8], owner[16] = "";
        snprintf(name, sizeof name, "%d", block);
        if (read_knob(folder, name, owner, sizeof owner) > 0 && !strncmp(owner, broker->instance, 8))
            unlinkat(folder, name, 0);
    }
    close(folder);
    rmdir(FOLDER);
    rmdir("/run/squash");
}
