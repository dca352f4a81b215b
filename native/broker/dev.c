#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct node {
    const char *name;
    unsigned major, minor; /* Documentation/admin-guide/devices.txt */
};

static const struct node nodes[] = {
    { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const char *const links[][2] = {
    { "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
    { "/proc/self/fd/2", "stderr" }, { "pts/ptmx", "ptmx" },
};

/* Called with the sandbox root's fsuid: it owns what is made here. */
static int fill(int dev)
{
    int bad = 0;
    mode_t before = umask(0);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes && !bad; i++)
        bad = mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor));
    for (size_t i = 0; i < sizeof links / sizeof *links && !bad; i++)
        bad = symlinkat(links[i][0], dev, links[i][1]);
    bad = bad || mkdirat(dev, "pts", 0755) || mkdirat(dev, "shm", 01777);
    umask(before);
    return bad;
}

int dev_mount(const struct machine_start *start, struct outcome *out)
{
    unsigned first = slot_uid(start->broker, start->slot);
    char owner[16], tty[16];
    snprintf(owner, sizeof owner, "%u", first);
    snprintf(tty, sizeof tty, "%u", first + 5); /* 5: group tty, by long convention */

    const char *const dev_options[] = { "mode", "0755",  "uid",       owner, "gid", owner,
                                        "size", "65536", "nr_inodes", "512", NULL };
    int dev = new_filesystem("tmpfs", dev_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (dev < 0 || fill(dev))
        return fail(out, STEP_DEV, "/dev");
    if (mount_at(start->root, "dev", dev, out))
        return -1;
    close(dev);

    /* Terminals are counted for the whole host, so that a sandbox gets a bound of its own. */
    const char *const pts_options[] = { "mode", "0620", "ptmxmode", "0666", "gid", tty, "max", "256", NULL };
    int pts = new_filesystem("devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (pts < 0)
        return fail(out, STEP_DEV, "/dev/pts");
    int bad = mount_at(start->root, "dev/pts", pts, out);
    close(pts);
    return bad;
}

/* Its size depends on who asks for the sandbox: it comes last. */
int shm_mount(const struct machine_start *start, struct outcome *out)
{
    char owner[16], shm[32];
    snprintf(owner, sizeof owner, "%u", slot_uid(start->broker, start->slot));
    snprintf(shm, sizeof shm, "%llu", (unsigned long long)start->request->memory_bytes / 2);
    const char *const shm_options[] = { "mode", "1777", "uid", owner, "gid", owner, "size", shm, NULL };
    int memory = new_filesystem("tmpfs", shm_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (memory < 0)
        return fail(out, STEP_DEV, "/dev/shm");
    int bad = mount_at(start->root, "dev/shm", memory, out);
    close(memory);
    return bad;
}
