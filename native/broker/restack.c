/*
 * Another stack of layers and upper under a sandbox that goes on. Kernel: a remount of a live overlay with other
 * lowerdirs is silently ignored, so a second overlay is made and the root is changed to it, which the kernel does for
 * every process of the mount namespace. Frozen meanwhile, the sandbox sees the one or the other.
 */
#include "restack.h"

#include "machine.h"
#include "order.h"
#include "starter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_namespace(const struct restack_order *order, const char *name, struct outcome *out)
{
    char path[48];
    struct pollfd ended = { .fd = order->pidfd, .events = POLLIN };
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)order->init, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(out, STEP_NAMESPACES, "%s", name);
    /* The number was PID 1's if PID 1 is still there now. */
    if (!poll(&ended, 1, 0))
        return fd;
    close(fd);
    return fail_with(out, ESRCH, STEP_MACHINE, "it has ended");
}

/* The new overlay, detached, made in a mount namespace that goes with this process. */
static int build(struct machine_start *start, const struct order *order, struct outcome *out)
{
    if (unshare(CLONE_NEWNS))
        return fail(out, STEP_NAMESPACES, "unshare");
    if (stage_make(start, out))
        return -1;
    close(start->run);
    return rootfs_enter(start, out) || rootfs_build(start, order, out) ? -1 : 0;
}

/* With the new overlay stacked on the root: nothing was changed for who lives here, and now is, or -1. */
static int change_root(int overlay, struct outcome *out)
{
    int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0)
        return fail(out, STEP_PIVOT, "/");
    int bad = inside_carry(old, overlay, out);
    if (!bad && (fchdir(overlay) || syscall(SYS_pivot_root, ".", "."))) {
        struct outcome undone = { 0 };
        bad = fail(out, STEP_PIVOT, "pivot_root");
        inside_carry(overlay, old, &undone);
    }
    close(old);
    return bad;
}

/* Back to the old root, which lies on top of the new one. */
static int change_back(int overlay)
{
    struct outcome undone = { 0 };
    int old = open("..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bad = old < 0 || inside_carry(overlay, old, &undone) || fchdir(old) || syscall(SYS_pivot_root, ".", ".") ||
              umount2(".", MNT_DETACH);
    if (old >= 0)
        close(old);
    return bad;
}

/*
 * In the sandbox's mount namespace. What is stacked on "/" is reached by umount2("/") and by "..", but not by open("/"):
 * the kernel looks a path up from the process's root and crosses to what covers it only at these.
 */
static int swap(int overlay, struct outcome *out)
{
    if (move_mount(overlay, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH))
        return fail(out, STEP_PIVOT, "stack");
    if (change_root(overlay, out)) {
        umount2("/", MNT_DETACH);
        return -1;
    }
    /* Not lazily: two live overlays over one upper are undefined, so whoever still uses the old one must be heard of. */
    if (!umount2(".", 0))
        return 0;
    /* Not the kernel's EBUSY, which in this protocol means that another operation is under way. */
    fail_with(out, errno == EBUSY ? ETXTBSY : errno, STEP_RELEASE, "something inside still uses it");
    if (change_back(overlay))
        fail_with(out, ENOTRECOVERABLE, STEP_RELEASE, "something inside still uses it, and it cannot be put back");
    return -1;
}

/*
 * Kernel: the end of an overlay writes all that is dirty in its upper to the disk, for as long as that takes. A clone of
 * the old root delays that end until nobody waits: a child of the broker's holds it, and is reaped as a stray.
 */
static void let_go_later(int old_root)
{
    struct clone_args arguments = { .flags = CLONE_PARENT };
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        dup2(old_root, 0);
        close_range(1, ~0u, 0);
        close(0);
        _exit(0);
    }
    close(old_root);
}

static int restack_frozen(const struct restack_order *order, struct machine_start *start, struct order *trees,
                          struct outcome *out)
{
    int mounts = open_namespace(order, "mnt", out);
    if (mounts < 0)
        return -1;
    int bad = build(start, trees, out);
    if (!bad && setns(mounts, CLONE_NEWNS))
        bad = fail(out, STEP_NAMESPACES, "enter");
    close(mounts);
    if (bad)
        return -1;
    int old_root = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (old_root < 0)
        return fail(out, STEP_PIVOT, "clone");
    bad = swap(start->root, out);
    close(start->root);
    let_go_later(old_root);
    return bad;
}

int restack(const struct broker *broker, const void *request, struct outcome *out)
{
    const struct restack_order *order = request;
    static struct order trees;
    struct machine_start start = { .broker = broker, .slot = order->slot, .request = &trees.request };
    char slot[8];
    slot_name(order->slot, slot);
    start.takes_root = order->request.flags & FLAG_TAKE_ROOT;
    trees.request.upper = order->request.upper;
    trees.request.layer_count = order->request.layer_count;
    memcpy(trees.request.layers, order->request.layers, sizeof trees.request.layers);
    start.userns = open_namespace(order, "user", out);
    if (start.userns < 0 || order_take_trees(&trees, broker, start.userns, out))
        return -1;
    if (cgroup_freeze_all(&broker->cgroups, slot))
        return fail(out, STEP_FREEZE, "%s", slot);
    int bad = restack_frozen(order, &start, &trees, out);
    if (cgroup_freeze(&broker->cgroups, slot, 0) && !bad)
        bad = fail(out, STEP_FREEZE, "thaw %s", slot);
    return bad;
}
