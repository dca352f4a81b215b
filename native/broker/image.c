#include "image.h"

#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static const struct timespec pause_time = { .tv_nsec = 2000000 };

static int attach_loop(const struct image_mount *image, char *device, size_t size, struct outcome *out)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return fail(out, STEP_LOOP, "/dev/loop-control");
    struct loop_config config = {
        .fd = (uint32_t)image->file,
        .block_size = image->read_only ? 0 : 4096,
        .info.lo_flags = LO_FLAGS_AUTOCLEAR,
    };
    /* Direct I/O: an upper's writes are on disk when the sandbox's fsync returns, and its pages are cached once. */
    config.info.lo_flags |= image->read_only ? LO_FLAGS_READ_ONLY : LO_FLAGS_DIRECT_IO;
    int loop = -1;
    for (int tries = 0; tries < 64 && loop < 0; tries++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            break;
        snprintf(device, size, "/dev/loop%d", number);
        loop = open(device, (image->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (loop < 0)
            break;
        if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
            break;
        int error = errno;
        close(loop);
        loop = -1;
        errno = error;
        /* Another process took the number between the two calls. */
        if (error != EBUSY)
            break;
    }
    int error = errno;
    close(control);
    errno = error;
    return loop < 0 ? fail(out, STEP_LOOP, "%s", image->mountpoint) : loop;
}

static int mount_device(const struct image_mount *image, const char *device, struct outcome *out)
{
    int bad = -1, mount = -1;
    int context = fsopen(image->type, FSOPEN_CLOEXEC);
    unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (image->read_only ? MOUNT_ATTR_RDONLY : 0);
    if (context >= 0 && !fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) &&
        (!image->read_only || !fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0)) &&
        !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
        mount = fsmount(context, FSMOUNT_CLOEXEC, attributes);
        if (mount >= 0)
            bad = move_mount(mount, "", image->parent, image->mountpoint, MOVE_MOUNT_F_EMPTY_PATH);
    }
    if (bad)
        fail(out, STEP_MOUNT, "%s %s", image->type, image->mountpoint);
    if (mount >= 0)
        close(mount);
    if (context >= 0)
        close(context);
    return bad;
}

int image_mount(const struct image_mount *image, struct outcome *out)
{
    char device[32];
    if (mkdirat(image->parent, image->mountpoint, 0700) && errno != EEXIST)
        return fail(out, STEP_MOUNT, "%s", image->mountpoint);
    int loop = attach_loop(image, device, sizeof device, out);
    int bad = loop < 0 || mount_device(image, device, out);
    /* From here the mount alone holds the device: with autoclear it is free again when the mount is gone. */
    if (loop >= 0)
        close(loop);
    if (bad)
        unlinkat(image->parent, image->mountpoint, AT_REMOVEDIR);
    return bad ? -1 : 0;
}

int is_mounted(int parent, const char *name)
{
    struct stat above, here;
    return !fstat(parent, &above) && !fstatat(parent, name, &here, AT_SYMLINK_NOFOLLOW) && above.st_dev != here.st_dev;
}

/* Asks which file backs a loop device; -1 when it is free. */
static int loop_backing(unsigned number, struct loop_info64 *info)
{
    char device[32];
    snprintf(device, sizeof device, "/dev/loop%u", number);
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int bad = ioctl(fd, LOOP_GET_STATUS64, info);
    close(fd);
    return bad;
}

/* Autoclear runs when the last mount of the superblock is gone, a machine's own clones included: that may lag behind. */
static void wait_for_loop(unsigned number, const struct loop_info64 *before)
{
    struct loop_info64 now;
    for (int tries = 0; tries < 1000; tries++) {
        if (loop_backing(number, &now) || now.lo_inode != before->lo_inode || now.lo_device != before->lo_device)
            return;
        nanosleep(&pause_time, NULL);
    }
}

int image_unmount(int parent, const char *name, struct outcome *out)
{
    char path[192];
    struct stat root;
    struct loop_info64 backing;
    int mounted = is_mounted(parent, name) && !fstatat(parent, name, &root, AT_SYMLINK_NOFOLLOW);
    int on_loop = mounted && major(root.st_dev) == 7 /* LOOP_MAJOR, linux/major.h */ &&
                  !loop_backing(minor(root.st_dev), &backing);
    /* umount2 takes paths only; the folder's descriptor keeps this one from going elsewhere. */
    snprintf(path, sizeof path, "/proc/self/fd/%d/%.128s", parent, name);
    for (int tries = 0; mounted && umount2(path, UMOUNT_NOFOLLOW); tries++) {
        /* A machine that has just ended may still hold a file of it for a moment. */
        if (errno != EBUSY || tries == 1000)
            return fail(out, STEP_UNMOUNT, "%s", name);
        nanosleep(&pause_time, NULL);
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
        return fail(out, STEP_UNMOUNT, "%s", name);
    if (on_loop)
        wait_for_loop(minor(root.st_dev), &backing);
    return 0;
}
