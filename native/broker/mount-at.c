#include "beneath.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int clone_tree(int folder, const char *path, const struct tree_options *options)
{
    int tree = open_tree(folder, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (tree < 0)
        return -1;
    struct mount_attr attributes = { .attr_set = options->attributes, .propagation = MS_PRIVATE };
    if (options->userns >= 0) {
        attributes.attr_set |= MOUNT_ATTR_IDMAP;
        attributes.userns_fd = (uint64_t)options->userns;
    }
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes)) {
        int error = errno;
        close(tree);
        errno = error;
        return -1;
    }
    return tree;
}

int mount_at(int root, const char *path, int tree, struct outcome *out)
{
    int target = open_in_root(root, path, O_PATH);
    if (target < 0 && errno == ENOENT && !strchr(path, '/') && !mkdirat(root, path, 0755))
        target = open_in_root(root, path, O_PATH);
    if (target < 0)
        return fail(out, STEP_MOUNTPOINT, "/%s", path);
    int bad = move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    int error = errno;
    close(target);
    errno = error;
    return bad ? fail(out, STEP_MOUNTPOINT, "/%s", path) : 0;
}

int new_filesystem(const char *type, const char *const *options, uint64_t attributes)
{
    int context = fsopen(type, FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    int bad = 0, mount = -1;
    for (; options && *options && !bad; options += 2)
        bad = fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0);
    if (!bad && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    int error = errno;
    close(context);
    errno = error;
    return mount;
}
