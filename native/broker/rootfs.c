#include "beneath.h"
#include "machine.h"
#include "order.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Layers and upper are attached in this mount namespace and given to overlayfs by path: descriptors need Linux 6.13. */
static int attach(int tree, const char *name)
{
    int bad = move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    close(tree);
    errno = error;
    return bad;
}

static int attach_layers(const struct order *order, struct outcome *out)
{
    for (uint32_t i = 0; i < order->request.layer_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        if (mkdir(name, 0755) || attach(order->layers[i], name))
            return fail(out, STEP_LOWERDIR, "layer %u", i);
    }
    return 0;
}

static int attach_upper(struct machine_start *start, const struct order *order, struct outcome *out)
{
    if (attach(order->upper, STAGED_UPPER))
        return fail(out, STEP_UPPERDIR, "attach");
    int upper = open(STAGED_UPPER "/u", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *content = upper < 0 ? NULL : fdopendir(upper);
    if (!content)
        return fail(out, STEP_UPPERDIR, "open");
    int entries = 0;
    while (readdir(content) && entries < 3)
        entries++;
    closedir(content);
    start->fresh = entries == 2; /* . and .. */
    return 0;
}

/* Kernel: the root folder of an overlay is the upper's, and is merged with none; a capture has it as its own. */
static int take_root(struct outcome *out)
{
    struct stat stat;
    int upper = open(STAGED_UPPER "/u", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int bad = upper < 0 || fstatat(AT_FDCWD, "0", &stat, AT_SYMLINK_NOFOLLOW) ||
              fchown(upper, stat.st_uid, stat.st_gid) || fchmod(upper, stat.st_mode & 07777) ||
              futimens(upper, (struct timespec[]){ stat.st_atim, stat.st_mtim });
    if (bad)
        fail(out, STEP_UPPERDIR, "root folder");
    if (upper >= 0)
        close(upper);
    return bad ? -1 : 0;
}

static int configure(const struct machine_start *start, int context)
{
    static const char *const options[][2] = {
        { "redirect_dir", "nofollow" },
        { "metacopy", "off" },
        { "index", "off" },
        { "uuid", "null" }, /* no mark of this mount in the upper */
        { "xino", "on" },   /* one st_dev, inode numbers that survive copy-up; auto gives up with uuid=null */
    };
    char path[16];
    int bad = fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
    for (size_t i = 0; i < sizeof options / sizeof *options && !bad; i++)
        bad = fsconfig(context, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
    for (uint32_t i = 0; i < start->request->layer_count && !bad; i++) {
        snprintf(path, sizeof path, "/%u", i);
        bad = fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", path, 0);
    }
    return bad || fsconfig(context, FSCONFIG_SET_STRING, "upperdir", "/" STAGED_UPPER "/u", 0) ||
           fsconfig(context, FSCONFIG_SET_STRING, "workdir", "/" STAGED_UPPER "/w", 0);
}

/* The kernel's own words on a failed mount are in the context's log. */
static int fail_overlay(int context, struct outcome *out)
{
    char log[96] = "";
    int error = errno;
    ssize_t n = read(context, log, sizeof log - 1);
    log[n > 0 ? n : 0] = 0;
    log[strcspn(log, "\n")] = 0;
    return fail_with(out, error, STEP_OVERLAY, "%s", log);
}

static int stack(struct machine_start *start, struct outcome *out)
{
    struct statvfs state;
    uid_t first = slot_uid(start->broker, start->slot);
    int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0)
        return fail(out, STEP_OVERLAY, "fsopen");
    int bad = configure(start, context) || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    /* Security: nodev must be on the overlay itself; that of its layers does not reach through. */
    int root = bad ? -1 : fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
    if (root < 0) {
        fail_overlay(context, out);
        close(context);
        return -1;
    }
    close(context);
    /* Kernel: when overlayfs cannot make its work folder as the caller's fsuid, it mounts read-only and says nothing. */
    if (fstatvfs(root, &state) || state.f_flag & ST_RDONLY)
        return fail_with(out, EROFS, STEP_OVERLAY, "as uid %u", first);
    start->root = root;
    return 0;
}

int rootfs_build(struct machine_start *start, const struct order *order, struct outcome *out)
{
    if (attach_layers(order, out) || attach_upper(start, order, out) || (start->takes_root && take_root(out)))
        return -1;
    return stack(start, out);
}

int rootfs_attach(const struct machine_start *start, struct outcome *out)
{
    if (move_mount(start->root, "", AT_FDCWD, STAGED_ROOT, MOVE_MOUNT_F_EMPTY_PATH))
        return fail(out, STEP_OVERLAY, "attach");
    return 0;
}

int rootfs_enter(struct machine_start *start, struct outcome *out)
{
    if (fchdir(start->root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        return fail(out, STEP_PIVOT, "pivot_root");
    close(start->root);
    return 0;
}
