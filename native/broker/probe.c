#include "probe.h"

#include "beneath.h"
#include "cgroup.h"
#include "machine.h"
#include "mkfs.h"
#include "image.h"
#include "probe-image.h"
#include "server.h"
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_ID 1000000u
#define WHERE "/tmp" /* covered by a tmpfs in a mount namespace that ends with the probe */

struct findings {
    int squashfs_zstd, idmapped_squashfs, idmapped_ext4, overlay_userxattr;
};

static int image_of(const void *content, size_t size, size_t room)
{
    int fd = memfd_create("squash-probe", MFD_CLOEXEC);
    if (fd >= 0 && (ftruncate(fd, (off_t)room) || pwrite(fd, content, size, 0) != (ssize_t)size)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int mount_image(int where, int file, const char *type, int read_only)
{
    struct outcome out = { 0 };
    struct image_mount image = {
        .file = file, .type = type, .read_only = read_only, .parent = where, .mountpoint = type
    };
    return image_mount(&image, &out);
}

/* Clones what is mounted on `name` with an id map onto `target`. */
static int map_ids(int where, const char *name, const char *target, int userns)
{
    struct tree_options options = { .attributes = MOUNT_ATTR_NODEV, .userns = userns };
    int tree = clone_tree(where, name, &options);
    if (tree < 0 || mkdirat(where, target, 0755))
        return -1;
    return move_mount(tree, "", where, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static int stack(void)
{
    struct statvfs state;
    const char *const options[] = { "lowerdir+",      WHERE "/lower", "upperdir", WHERE "/upper/u", "workdir",
                                    WHERE "/upper/w", "uuid",         "null",     "xino",           "on",
                                    "redirect_dir",   "nofollow",     NULL };
    if (mkdir(WHERE "/ext4/u", 0755) || mkdir(WHERE "/ext4/w", 0700) ||
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP))
        return -1;
    setfsgid(FIRST_ID);
    setfsuid(FIRST_ID);
    int context = fsopen("overlay", FSOPEN_CLOEXEC), bad = fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
    for (int i = 0; options[i] && !bad; i += 2)
        bad = fsconfig(context, FSCONFIG_SET_STRING, options[i], options[i + 1], 0);
    int root = bad || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
                   ? -1
                   : fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
    return root < 0 || fstatvfs(root, &state) || state.f_flag & ST_RDONLY ? -1 : 0;
}

static void try_all(struct findings *found)
{
    struct outcome out = { 0 };
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("squash", WHERE, "tmpfs", 0, "mode=0755,size=32m"))
        return;
    int where = open(WHERE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int userns = userns_make(FIRST_ID, &out);
    /* 4 KiB: a loop device has no less than a page. */
    int layer = image_of(probe_image, sizeof probe_image, 4096), upper = image_of("", 0, 16 << 20);
    if (where < 0 || userns < 0 || layer < 0 || upper < 0)
        return;
    found->squashfs_zstd = !mount_image(where, layer, "squashfs", 1) && !access(WHERE "/squashfs/f", R_OK);
    found->idmapped_squashfs = found->squashfs_zstd && !map_ids(where, "squashfs", "lower", userns);
    found->idmapped_ext4 =
        !make_ext4(upper, &out) && !mount_image(where, upper, "ext4", 0) && !map_ids(where, "ext4", "upper", userns);
    found->overlay_userxattr = found->idmapped_squashfs && found->idmapped_ext4 && !stack();
}

/* In a child, so that its namespace and its changed ids end with it. */
static int try_apart(struct findings *found)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        try_all(found);
        _exit(write(ends[1], found, sizeof *found) != (ssize_t)sizeof *found);
    }
    close(ends[1]);
    ssize_t n = child < 0 ? -1 : read(ends[0], found, sizeof *found);
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof *found ? 0 : -1;
}

static void print(const char *name, int yes, const char *end)
{
    printf("  \"%s\": %s%s\n", name, yes ? "true" : "false", end);
}

int probe_print(void)
{
    struct findings found = { 0 };
    struct cgroups cgroups;
    struct outcome out = { 0 };
    char instance[16];
    if (geteuid() != 0) {
        say("probe must be run by root: it tries mounts");
        return 1;
    }
    if (try_apart(&found)) {
        say("cannot probe: %s", strerror(errno));
        return 1;
    }
    snprintf(instance, sizeof instance, "probe%d", (int)getpid());
    int has_cgroups = !cgroups_open(&cgroups, instance, &out);
    printf("{\n");
    print("squashfs-zstd", found.squashfs_zstd, ",");
    print("idmapped-squashfs", found.idmapped_squashfs, ",");
    print("idmapped-ext4", found.idmapped_ext4, ",");
    print("overlay-userxattr", found.overlay_userxattr, ",");
    print("cgroups", has_cgroups, ",");
    print("swap-accounting", has_cgroups && cgroups.has_swap_accounting, "");
    printf("}\n");
    cgroups_close(&cgroups);
    return 0;
}
