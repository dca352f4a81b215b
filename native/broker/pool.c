#include "pool.h"

#include "beneath.h"
#include "btrfs.h"
#include "image.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define POOL_MOUNT "pool"

/* The file system of an image is mounted where no user of the host can see it, and stays while a sandbox runs on it. */
static int mount_image(const struct broker *broker, const char *path, struct outcome *out)
{
    int mounts = open_beneath(broker->run, MOUNTS, O_RDONLY | O_DIRECTORY, 0);
    int image = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat s;
    int root = -1;
    if (mounts < 0 || image < 0 || fstat(image, &s) || s.st_uid != 0 || s.st_mode & 022)
        fail_with(out, image < 0 ? errno : EPERM, STEP_POOL, "%.80s must be a file that root alone may write", path);
    else if (is_mounted(mounts, POOL_MOUNT) ||
             !image_mount(
                 &(struct image_mount){ .file = image, .type = "btrfs", .parent = mounts, .mountpoint = POOL_MOUNT },
                 out))
        root = open_beneath(mounts, POOL_MOUNT, O_RDONLY | O_DIRECTORY, 0);
    if (mounts >= 0)
        close(mounts);
    if (image >= 0)
        close(image);
    return root;
}

int pool_open(struct broker *broker, const char *path, struct outcome *out)
{
    struct stat s;
    char folder[32];
    broker->pool = -1;
    if (!path)
        return 0;
    if (stat(path, &s))
        return fail(out, STEP_POOL, "%.100s", path);
    int root = S_ISDIR(s.st_mode) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : mount_image(broker, path, out);
    if (root < 0)
        return out->wire.error ? -1 : fail(out, STEP_POOL, "%.100s", path);
    snprintf(folder, sizeof folder, "squash-%s", broker->instance);
    if (!is_btrfs(root))
        fail_with(out, EINVAL, STEP_POOL, "%.80s is no btrfs", path);
    else if (btrfs_count(root))
        fail(out, STEP_POOL, "quota of %.80s", path);
    /* Security: of root alone, because a set-uid file of a sandbox is one of the host's root here. */
    else if (ensure_folder(root, folder, 0700, 0, 0))
        fail(out, STEP_POOL, "%s", folder);
    else
        broker->pool = open_beneath(root, folder, O_RDONLY | O_DIRECTORY, 0);
    close(root);
    return broker->pool < 0 ? -1 : 0;
}

void pool_close(struct broker *broker)
{
    struct outcome ignored = { 0 };
    if (broker->pool >= 0)
        close(broker->pool);
    broker->pool = -1;
    int mounts = open_beneath(broker->run, MOUNTS, O_RDONLY | O_DIRECTORY, 0);
    if (mounts >= 0 && is_mounted(mounts, POOL_MOUNT))
        image_unmount(mounts, POOL_MOUNT, &ignored);
    if (mounts >= 0)
        close(mounts);
}

static int check_pool(const struct broker *broker, struct outcome *out)
{
    return broker->pool < 0 ? fail_with(out, ENODEV, STEP_POOL, "no pool is configured") : 0;
}

static int open_subvolume(const struct broker *broker, const char *name, struct outcome *out)
{
    int fd = open_beneath(broker->pool, name, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? fail(out, STEP_UPPER, "%s", name) : fd;
}

/* The limit is in force before there is anything in it. */
static int finish(const struct broker *broker, const char *name, uint64_t limit_bytes, struct outcome *out)
{
    int fd = open_subvolume(broker, name, out);
    int bad = fd < 0 || (btrfs_limit(fd, limit_bytes) ? fail(out, STEP_LIMITS, "%s", name) : 0);
    if (fd >= 0)
        close(fd);
    if (bad)
        btrfs_remove(broker->pool, name);
    return bad ? -1 : 0;
}

int pool_make(const struct broker *broker, const struct upper_make_request *request, struct outcome *out)
{
    struct statvfs fs;
    char name[HEX8];
    hex(request->upper.bytes, 8, name);
    if (check_pool(broker, out))
        return -1;
    if (fstatvfs(broker->pool, &fs))
        return fail(out, STEP_RESERVE, "pool");
    if ((uint64_t)fs.f_bavail * fs.f_frsize < request->reserve_bytes)
        return fail_with(out, ENOSPC, STEP_RESERVE, "%llu MiB are free",
                         (unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
    if (btrfs_make(broker->pool, name))
        return fail(out, STEP_ALLOCATE, "%s", name);
    return finish(broker, name, request->size_bytes, out);
}

int pool_attach(const struct broker *broker, const key_t8 *upper, int mounts, struct outcome *out)
{
    struct tree_options options = { MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, -1 };
    char name[HEX8];
    hex(upper->bytes, 8, name);
    if (check_pool(broker, out))
        return -1;
    int tree = clone_tree(broker->pool, name, &options);
    if (tree < 0)
        return fail(out, STEP_UPPER, "%s", name);
    int bad =
        (mkdirat(mounts, name, 0700) && errno != EEXIST) || move_mount(tree, "", mounts, name, MOVE_MOUNT_F_EMPTY_PATH);
    if (bad) {
        fail(out, STEP_MOUNT, "%s", name);
        unlinkat(mounts, name, AT_REMOVEDIR);
    }
    close(tree);
    return bad ? -1 : 0;
}

int pool_drop(const struct broker *broker, const key_t8 *upper, struct outcome *out)
{
    char name[HEX8];
    hex(upper->bytes, 8, name);
    if (broker->pool < 0 || !btrfs_remove(broker->pool, name) || errno == ENOENT)
        return 0;
    return fail(out, STEP_UPPER, "%s", name);
}

int pool_clone(const struct broker *broker, const struct clone_request *request, struct outcome *out)
{
    char from[HEX8], to[HEX8];
    uint64_t used, limit;
    hex(request->from.bytes, 8, from);
    hex(request->to.bytes, 8, to);
    if (check_pool(broker, out))
        return -1;
    int source = open_subvolume(broker, from, out);
    if (source < 0)
        return -1;
    int bad = btrfs_usage(source, &used, &limit)      ? fail(out, STEP_UPPER, "usage of %s", from)
              : btrfs_clone(source, broker->pool, to) ? fail(out, STEP_CLONE, "%s", to)
                                                      : finish(broker, to, limit, out);
    close(source);
    return bad;
}
