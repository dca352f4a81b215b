#include "beneath.h"
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Layers and upper are attached in this mount namespace and given to overlayfs by path: descriptors need Linux 6.13. */
static int attach(const struct machine_start *start, int stage, const char *source, const char *name,
                  uint64_t attributes)
{
    struct tree_options options = { .attributes = attributes, .userns = start->userns };
    int tree = clone_tree(start->run, source, &options);
    if (tree < 0)
        return -1;
    int bad = move_mount(tree, "", stage, name, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    close(tree);
    errno = error;
    return bad;
}

static int map_layers(const struct machine_start *start, int stage, struct outcome *out)
{
    for (uint32_t i = 0; i < start->request->layer_count; i++) {
        char digest_hex[HEX32], source[128], name[16];
        hex(start->request->layers[i].bytes, 32, digest_hex);
        snprintf(source, sizeof source, LAYER_MOUNTS "/%s", digest_hex);
        snprintf(name, sizeof name, "%u", i);
        /* Security: nodev and nosuid on each clone as on the overlay; none of them relies on another. */
        if (attach(start, stage, source, name, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))
            return fail(out, STEP_LOWERDIR, "layer %u, %.20s", i, digest_hex);
    }
    return 0;
}

static int map_upper(struct machine_start *start, int stage, struct outcome *out)
{
    char key[HEX8], source[128];
    hex(start->request->upper.bytes, 8, key);
    snprintf(source, sizeof source, UPPER_MOUNTS "/%s", key);
    if (attach(start, stage, source, "u", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))
        return fail(out, STEP_UPPERDIR, "%s", key);
    int folder = open_beneath(start->run, STAGE, O_RDONLY | O_DIRECTORY, 0);
    int upper = folder < 0 ? -1 : openat(folder, "u/u", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0)
        close(folder);
    DIR *content = upper < 0 ? NULL : fdopendir(upper);
    if (!content)
        return fail(out, STEP_UPPERDIR, "%s", key);
    int entries = 0;
    while (readdir(content) && entries < 3)
        entries++;
    closedir(content);
    start->fresh = entries == 2; /* . and .. */
    return 0;
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
    const char *run = start->broker->run_path;
    char path[128];
    int bad = fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
    for (size_t i = 0; i < sizeof options / sizeof *options && !bad; i++)
        bad = fsconfig(context, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
    for (uint32_t i = 0; i < start->request->layer_count && !bad; i++) {
        snprintf(path, sizeof path, "%s/" STAGE "/%u", run, i);
        bad = fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", path, 0);
    }
    snprintf(path, sizeof path, "%s/" STAGE "/u/u", run);
    bad = bad || fsconfig(context, FSCONFIG_SET_STRING, "upperdir", path, 0);
    snprintf(path, sizeof path, "%s/" STAGE "/u/w", run);
    return bad || fsconfig(context, FSCONFIG_SET_STRING, "workdir", path, 0);
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

static int stack(struct machine_start *start, int stage, struct outcome *out)
{
    struct statvfs state;
    uid_t first = slot_uid(start->broker, start->slot);
    int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0)
        return fail(out, STEP_OVERLAY, "fsopen");
    int bad = configure(start, context) || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    /* Security: nodev must be on the overlay itself; that of its layers does not reach through. */
    int root = bad ? -1 : fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
    if (root < 0 || move_mount(root, "", stage, "root", MOVE_MOUNT_F_EMPTY_PATH)) {
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

int rootfs_build(struct machine_start *start, struct outcome *out)
{
    uid_t first = slot_uid(start->broker, start->slot);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return fail(out, STEP_NAMESPACES, "private mounts");
    /* Kernel: what is cloned must be of the caller's own mount namespace; the broker's descriptor leads into the broker's. */
    start->run = open(start->broker->run_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (start->run < 0)
        return fail(out, STEP_NAMESPACES, "%s", start->broker->run_path);
    int stage = open_beneath(start->run, STAGE, O_RDONLY | O_DIRECTORY, 0);
    if (stage < 0)
        return fail(out, STEP_NAMESPACES, STAGE);
    if (map_layers(start, stage, out) || map_upper(start, stage, out))
        return -1;
    /*
     * What follows is done as the sandbox's root, so that overlayfs, the mount points that it must make and /dev belong
     * to it. The capabilities stay: NO_SETUID_FIXUP keeps a change of fsuid from dropping them.
     */
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP))
        return fail(out, STEP_OVERLAY, "securebits");
    setfsgid(first);
    setfsuid(first);
    int bad = stack(start, stage, out);
    close(stage);
    return bad;
}

int rootfs_enter(struct machine_start *start, struct outcome *out)
{
    if (fchdir(start->root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        return fail(out, STEP_PIVOT, "pivot_root");
    close(start->root);
    return 0;
}
