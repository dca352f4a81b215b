#include "beneath.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Parts of /proc that tell about or act on the host. The first are made read-only, the others are covered. */
static const char *const read_only[] = { "proc/sys", "proc/sysrq-trigger", "proc/irq", "proc/bus", "proc/fs" };
static const char *const covered[] = {
    "proc/kcore",       "proc/keys",          "proc/key-users",  "proc/timer_list", "proc/sched_debug",
    "proc/kmsg",        "proc/kallsyms",      "proc/modules",    "proc/acpi",       "proc/scsi",
    "proc/asound",      "proc/latency_stats", "proc/interrupts", "proc/driver",     "proc/vmallocinfo",
    "proc/zoneinfo",    "proc/pagetypeinfo",  "proc/slabinfo",   "proc/kpagecount", "proc/kpageflags",
    "proc/kpagecgroup", "proc/cmdline",       "proc/diskstats",  "proc/partitions", "proc/iomem",
    "proc/ioports",
};

static int make_read_only(int root, const char *path, struct outcome *out)
{
    int here = open_in_root(root, path, O_PATH);
    if (here < 0)
        return errno == ENOENT ? 0 : fail(out, STEP_MASK, "/%s", path);
    struct tree_options options = { .attributes = QUIET | MOUNT_ATTR_RDONLY, .userns = -1 };
    int tree = clone_tree(root, path, &options);
    int bad = tree < 0 || move_mount(tree, "", here, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (bad)
        fail(out, STEP_MASK, "/%s", path);
    if (tree >= 0)
        close(tree);
    close(here);
    return bad ? -1 : 0;
}

/* A file is covered by the sandbox's own /dev/null, a folder by an empty one. What this kernel does not have needs no cover. */
static int cover(const struct machine_start *start, const char *path, struct outcome *out)
{
    struct stat kind;
    int here = open_in_root(start->root, path, O_PATH);
    if (here < 0)
        return errno == ENOENT ? 0 : fail(out, STEP_MASK, "/%s", path);
    struct tree_options options = { .attributes = QUIET | MOUNT_ATTR_RDONLY, .userns = -1 };
    int tree = -1;
    if (!fstat(here, &kind)) {
        if (S_ISDIR(kind.st_mode)) {
            tree = clone_tree(start->run, STAGE "/empty", &options);
        } else {
            options.attributes &= ~(uint64_t)MOUNT_ATTR_NODEV;
            tree = clone_tree(start->root, "dev/null", &options);
        }
    }
    int bad = tree < 0 || move_mount(tree, "", here, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (bad)
        fail(out, STEP_MASK, "/%s", path);
    if (tree >= 0)
        close(tree);
    close(here);
    return bad ? -1 : 0;
}

/*
 * /sys is ours, not the kernel's: empty folders, and the one part of sysfs that runtimes read to count processors.
 */
static int mount_sys(const struct machine_start *start, struct outcome *out)
{
    struct tree_options options = { .attributes = QUIET | MOUNT_ATTR_RDONLY, .userns = -1 };
    int frame = clone_tree(start->run, STAGE "/sys", &options);
    if (frame < 0)
        return fail(out, STEP_SYS, "frame");
    int bad = mount_at(start->root, "sys", frame, out);
    close(frame);
    if (bad)
        return -1;
    int processors = clone_tree(AT_FDCWD, "/sys/devices/system/cpu", &options);
    if (processors < 0)
        return fail(out, STEP_SYS, "/sys/devices/system/cpu");
    bad = mount_at(start->root, "sys/devices/system/cpu", processors, out);
    close(processors);
    return bad;
}

int inside_mount(struct machine_start *start, struct outcome *out)
{
    /* Kernel: a new proc is refused once the old root, with a fully visible one, is gone (mount_too_revealing). */
    int proc = new_filesystem("proc", NULL, QUIET);
    if (proc < 0)
        return fail(out, STEP_PROC, "/proc");
    int bad = mount_at(start->root, "proc", proc, out);
    close(proc);
    if (bad || dev_mount(start, out) || mount_sys(start, out))
        return -1;
    start->sysctl = open_in_root(start->root, "proc/sys", O_RDONLY | O_DIRECTORY);
    if (start->sysctl < 0)
        return fail(out, STEP_PROC, "/proc/sys");
    for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++)
        if (make_read_only(start->root, read_only[i], out))
            return -1;
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        if (cover(start, covered[i], out))
            return -1;
    return 0;
}

static const char *const places[] = { "proc", "dev", "sys" };
#define PLACES (sizeof places / sizeof *places)

static int carry_one(int from, int to, const char *place, struct outcome *out)
{
    int tree = open_tree(from, place, OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0)
        return fail(out, STEP_CARRY, "/%s", place);
    int bad = mount_at(to, place, tree, out);
    close(tree);
    return bad;
}

int inside_carry(int from, int to, struct outcome *out)
{
    size_t done = 0;
    while (done < PLACES && !carry_one(from, to, places[done], out))
        done++;
    if (done == PLACES)
        return 0;
    struct outcome undone = { 0 };
    while (done-- > 0)
        carry_one(to, from, places[done], &undone);
    return -1;
}

int inside_move(const struct machine_start *start, struct outcome *out)
{
    int stage = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bad = stage < 0 ? fail(out, STEP_CARRY, "stage") : inside_carry(stage, start->root, out);
    if (stage >= 0)
        close(stage);
    return bad ? -1 : shm_mount(start, out);
}
