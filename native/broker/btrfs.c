#include "btrfs.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

int is_btrfs(int fd)
{
    struct statfs fs;
    return !fstatfs(fd, &fs) && fs.f_type == BTRFS_SUPER_MAGIC;
}

int btrfs_count(int folder)
{
    struct btrfs_ioctl_quota_ctl_args enable = { .cmd = BTRFS_QUOTA_CTL_ENABLE };
    return ioctl(folder, BTRFS_IOC_QUOTA_CTL, &enable);
}

int btrfs_make(int folder, const char *name)
{
    struct btrfs_ioctl_vol_args_v2 arguments = { 0 };
    strncpy(arguments.name, name, sizeof arguments.name - 1);
    return ioctl(folder, BTRFS_IOC_SUBVOL_CREATE_V2, &arguments);
}

int btrfs_clone(int source, int folder, const char *name)
{
    struct btrfs_ioctl_vol_args_v2 arguments = { .fd = source };
    strncpy(arguments.name, name, sizeof arguments.name - 1);
    return ioctl(folder, BTRFS_IOC_SNAP_CREATE_V2, &arguments);
}

int btrfs_remove(int folder, const char *name)
{
    struct btrfs_ioctl_vol_args arguments = { 0 };
    strncpy(arguments.name, name, sizeof arguments.name - 1);
    return ioctl(folder, BTRFS_IOC_SNAP_DESTROY, &arguments);
}

int btrfs_limit(int subvolume, uint64_t bytes)
{
    /* Group 0 is that of the subvolume itself. Counted is what it refers to, shared or not: what its sandbox sees. */
    struct btrfs_ioctl_qgroup_limit_args arguments = { .lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
                                                                .max_rfer = bytes } };
    return ioctl(subvolume, BTRFS_IOC_QGROUP_LIMIT, &arguments);
}

/* One item of the tree in which the kernel counts: (0, type, subvolume). */
static int read_item(int subvolume, uint64_t id, uint32_t type, void *item, size_t size)
{
    struct btrfs_ioctl_search_args search = { .key = { .tree_id = BTRFS_QUOTA_TREE_OBJECTID,
                                                       .min_type = type,
                                                       .max_type = type,
                                                       .min_offset = id,
                                                       .max_offset = id,
                                                       .max_transid = UINT64_MAX,
                                                       .nr_items = 1 } };
    if (ioctl(subvolume, BTRFS_IOC_TREE_SEARCH, &search))
        return -1;
    struct btrfs_ioctl_search_header header;
    memcpy(&header, search.buf, sizeof header);
    if (!search.key.nr_items || header.len < size) {
        errno = ENODATA;
        return -1;
    }
    memcpy(item, search.buf + sizeof header, size);
    return 0;
}

int btrfs_usage(int subvolume, uint64_t *used_bytes, uint64_t *limit_bytes)
{
    /* The number of the subvolume that the open folder is in. */
    struct btrfs_ioctl_ino_lookup_args lookup = { .objectid = BTRFS_FIRST_FREE_OBJECTID };
    struct btrfs_qgroup_info_item counted;
    struct btrfs_qgroup_limit_item limit;
    if (ioctl(subvolume, BTRFS_IOC_INO_LOOKUP, &lookup) ||
        read_item(subvolume, lookup.treeid, BTRFS_QGROUP_INFO_KEY, &counted, sizeof counted) ||
        read_item(subvolume, lookup.treeid, BTRFS_QGROUP_LIMIT_KEY, &limit, sizeof limit))
        return -1;
    *used_bytes = le64toh(counted.rfer);
    *limit_bytes = le64toh(limit.max_rfer);
    return 0;
}
