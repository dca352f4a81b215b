#include "uppers.h"

#include "beneath.h"
#include "btrfs.h"
#include "image.h"
#include "mkfs.h"
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SIZE_MIN_BYTES (16ull << 20) /* below 12, mke2fs finds no room for the journal: it fails, or leaves it out */
#define SIZE_MAX_BYTES (16ull << 40) /* ext4's largest file */

/* The two folders in which an upper's files live, named in every operation. */
struct folders {
    int images; /* uppers/ of the state root */
    int mounts;
};

static int open_folders(const struct broker *broker, struct folders *folders, struct outcome *out)
{
    folders->images = open_beneath(broker->data, "uppers", O_RDONLY | O_DIRECTORY, 0);
    folders->mounts = open_beneath(broker->run, UPPER_MOUNTS, O_RDONLY | O_DIRECTORY, 0);
    if (folders->images >= 0 && folders->mounts >= 0)
        return 0;
    return fail(out, STEP_UPPER, "uppers");
}

static void close_folders(struct folders *folders)
{
    if (folders->images >= 0)
        close(folders->images);
    if (folders->mounts >= 0)
        close(folders->mounts);
}

static void image_name(const key_t8 *upper, char *name, size_t size)
{
    char key[HEX8];
    hex(upper->bytes, 8, key);
    snprintf(name, size, "%s.img", key);
}

/* Whether there is one of this name, mounted or not: what was to be made must not undo it. */
static int has_data(const struct broker *broker, const struct folders *folders, const key_t8 *upper)
{
    char key[HEX8], name[32];
    hex(upper->bytes, 8, key);
    image_name(upper, name, sizeof name);
    return is_mounted(folders->mounts, key) || !faccessat(folders->images, name, F_OK, AT_SYMLINK_NOFOLLOW) ||
           (broker->pool >= 0 && !faccessat(broker->pool, key, F_OK, AT_SYMLINK_NOFOLLOW));
}

/* Refuses when the host would be left with less than the reserve. */
static int check_reserve(int images, uint64_t wanted, uint64_t reserve, struct outcome *out)
{
    struct statvfs fs;
    if (fstatvfs(images, &fs))
        return fail(out, STEP_RESERVE, "uppers");
    uint64_t available = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (available < wanted || available - wanted < reserve)
        return fail_with(out, ENOSPC, STEP_RESERVE, "%llu MiB are free", (unsigned long long)(available >> 20));
    return 0;
}

static int make_image(int images, const char *name, const struct upper_make_request *request, struct outcome *out)
{
    int fd = openat(images, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(out, STEP_ALLOCATE, "%s", name);
    int bad = 0;
    /* Allocated whole: over an image with holes, a full host loses writes that the sandbox was told had succeeded. */
    int sparse = request->flags & FLAG_SPARSE;
    if (sparse ? ftruncate(fd, (off_t)request->size_bytes) : fallocate(fd, 0, 0, (off_t)request->size_bytes))
        bad = fail(out, STEP_ALLOCATE, "%s", name);
    else
        bad = make_ext4(fd, out);
    if (!bad && (fsync(fd) || fsync(images)))
        bad = fail(out, STEP_ALLOCATE, "flush %s", name);
    if (bad) {
        unlinkat(images, name, 0);
        close(fd);
        return -1;
    }
    return fd;
}

static int mount_image(const struct folders *folders, const char *key, int image, struct outcome *out)
{
    return image_mount(
        &(struct image_mount){ .file = image, .type = "ext4", .parent = folders->mounts, .mountpoint = key }, out);
}

static int mount_tmpfs(const struct folders *folders, const char *key, uint64_t size_bytes, struct outcome *out)
{
    char size[32];
    int mount = -1, bad = -1;
    snprintf(size, sizeof size, "%llu", (unsigned long long)size_bytes);
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context >= 0 && !mkdirat(folders->mounts, key, 0700) &&
        !fsconfig(context, FSCONFIG_SET_STRING, "size", size, 0) &&
        !fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) &&
        !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
        mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        bad = mount < 0 || move_mount(mount, "", folders->mounts, key, MOVE_MOUNT_F_EMPTY_PATH);
    }
    if (bad)
        fail(out, STEP_MOUNT, "tmpfs %s", key);
    if (mount >= 0)
        close(mount);
    if (context >= 0)
        close(context);
    return bad;
}

/* upperdir and workdir of the overlay. Ids on disk are 0-based: the id map is the mount's. */
static int lay_out(int mounts, const char *key, struct outcome *out)
{
    int root = open_beneath(mounts, key, O_RDONLY | O_DIRECTORY, 0);
    int bad = root < 0;
    if (!bad && faccessat(root, "u", F_OK, AT_SYMLINK_NOFOLLOW))
        bad = ensure_folder(root, "u", 0755, 0, 0);
    bad = bad || ensure_folder(root, "w", 0700, 0, 0);
    if (bad)
        fail(out, STEP_UPPER_LAYOUT, "%s", key);
    if (root >= 0)
        close(root);
    return bad ? -1 : 0;
}

static int make_on_disk(const struct folders *folders, const struct upper_make_request *request, const char *key,
                        struct outcome *out)
{
    char name[32];
    image_name(&request->upper, name, sizeof name);
    if (check_reserve(folders->images, request->size_bytes, request->reserve_bytes, out))
        return -1;
    int image = make_image(folders->images, name, request, out);
    if (image < 0)
        return -1;
    int bad = mount_image(folders, key, image, out);
    close(image);
    return bad;
}

static int make_of_kind(const struct broker *broker, const struct folders *folders,
                        const struct upper_make_request *request, struct outcome *out)
{
    char key[HEX8];
    hex(request->upper.bytes, 8, key);
    switch (request->kind) {
    case UPPER_DISK:
        return make_on_disk(folders, request, key, out);
    case UPPER_TMPFS:
        return mount_tmpfs(folders, key, request->size_bytes, out);
    default:
        return pool_make(broker, request, out) || pool_attach(broker, &request->upper, folders->mounts, out) ? -1 : 0;
    }
}

/* Its file or subvolume; a tmpfs has nothing that outlives its mount. */
static int remove_data(const struct broker *broker, const struct folders *folders, const key_t8 *upper,
                       struct outcome *out)
{
    char name[32];
    image_name(upper, name, sizeof name);
    if (unlinkat(folders->images, name, 0) && errno != ENOENT)
        return fail(out, STEP_UPPER, "%s", name);
    return pool_drop(broker, upper, out);
}

int upper_make(const struct broker *broker, const struct upper_make_request *request, struct outcome *out)
{
    struct folders folders;
    char key[HEX8];
    hex(request->upper.bytes, 8, key);
    if (request->size_bytes < SIZE_MIN_BYTES || request->size_bytes > SIZE_MAX_BYTES)
        return fail_with(out, EINVAL, STEP_REQUEST, "size %llu", (unsigned long long)request->size_bytes);
    int bad = open_folders(broker, &folders, out);
    if (!bad && has_data(broker, &folders, &request->upper))
        bad = fail_with(out, EEXIST, STEP_UPPER, "%s", key);
    else if (!bad && (make_of_kind(broker, &folders, request, out) || lay_out(folders.mounts, key, out))) {
        struct outcome undone = { 0 };
        bad = -1;
        image_unmount(folders.mounts, key, &undone);
        remove_data(broker, &folders, &request->upper, &undone);
    }
    close_folders(&folders);
    return bad ? -1 : 0;
}

int upper_attach(const struct broker *broker, const key_t8 *upper, struct outcome *out)
{
    struct folders folders;
    char key[HEX8], name[32];
    hex(upper->bytes, 8, key);
    image_name(upper, name, sizeof name);
    int bad = open_folders(broker, &folders, out);
    if (!bad && !is_mounted(folders.mounts, key)) {
        int image = open_beneath(folders.images, name, O_RDWR | O_NOFOLLOW, 0);
        if (image >= 0)
            bad = mount_image(&folders, key, image, out);
        else if (errno == ENOENT && broker->pool >= 0)
            bad = pool_attach(broker, upper, folders.mounts, out);
        else
            bad = fail(out, STEP_UPPER, "%s", name);
        if (image >= 0)
            close(image);
    }
    bad = bad || lay_out(folders.mounts, key, out);
    close_folders(&folders);
    return bad ? -1 : 0;
}

int upper_drop(const struct broker *broker, const key_t8 *upper, struct outcome *out)
{
    struct folders folders;
    char key[HEX8];
    hex(upper->bytes, 8, key);
    int bad = open_folders(broker, &folders, out) || image_unmount(folders.mounts, key, out) ||
              remove_data(broker, &folders, upper, out);
    close_folders(&folders);
    return bad ? -1 : 0;
}

static int measure(int root, struct upper_size *size)
{
    struct statvfs fs;
    if (is_btrfs(root))
        return btrfs_usage(root, &size->used_bytes, &size->limit_bytes);
    if (fstatvfs(root, &fs))
        return -1;
    size->used_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
    size->limit_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    return 0;
}

int upper_measure(const struct broker *broker, const key_t8 *upper, struct upper_size *size, struct outcome *out)
{
    struct folders folders;
    char key[HEX8];
    hex(upper->bytes, 8, key);
    int bad = open_folders(broker, &folders, out);
    if (!bad && !is_mounted(folders.mounts, key))
        bad = fail_with(out, ENOENT, STEP_UPPER, "%s", key);
    int root = bad ? -1 : open_beneath(folders.mounts, key, O_RDONLY | O_DIRECTORY, 0);
    if (!bad && (root < 0 || measure(root, size)))
        bad = fail(out, STEP_UPPER, "%s", key);
    if (root >= 0)
        close(root);
    close_folders(&folders);
    return bad ? -1 : 0;
}

int upper_stats(const struct broker *broker, const key_t8 *upper, struct outcome *out)
{
    struct upper_size size;
    if (upper_measure(broker, upper, &size, out))
        return -1;
    answer(out, &size, sizeof size);
    return 0;
}
