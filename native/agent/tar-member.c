#include "agent/tar-member.h"

#include "agent/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool clean_member_path(char *to, const char *from, size_t length)
{
    size_t filled = 0;
    for (const char *at = from, *end = from + length; at < end;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t piece = (size_t)((slash ? slash : end) - at);
        if (piece == 2 && at[0] == '.' && at[1] == '.')
            return false;
        if (piece && !(piece == 1 && at[0] == '.')) {
            if (filled + piece + 2 > PATH_MAX)
                return false;
            if (filled)
                to[filled++] = '/';
            memcpy(to + filled, at, piece);
            filled += piece;
        }
        at += piece + 1;
    }
    to[filled] = 0;
    return true;
}

/* Opens the folder that a member belongs into, which is made when the tar has no member for it. */
static int open_parent(int folder, const char *path, char name[NAME_MAX + 1])
{
    char parent[PATH_MAX];
    int fd = open_parent_in_root(folder, path, name);
    const char *slash = strrchr(path, '/');
    if (fd >= 0 || errno != ENOENT || !slash)
        return fd;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    return make_folders_in_root(folder, parent);
}

/* Security: whatever is here, a link planted by an earlier member too, is replaced and not written through. */
static int clear_place(const struct tar_member *member)
{
    return unlinkat(member->parent, member->name, 0) && errno != ENOENT ? errno : 0;
}

static int apply_attributes(int fd, const struct tar_member *member)
{
    struct timespec times[2] = { member->mtime, member->mtime };
    /* Kernel: a change of owner clears set-user-id bits, so the mode comes after it. */
    return fchown(fd, member->uid, member->gid) || fchmod(fd, member->mode) || futimens(fd, times) ? errno : 0;
}

static int make_folder(int folder, const struct tar_member *member)
{
    if (mkdirat(member->parent, member->name, 0700) && errno != EEXIST)
        return errno;
    /* Below `folder` again, not below the parent: /lib may be a link to usr/lib, and is kept. */
    int fd = open_in_root(folder, member->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return errno;
    int error = apply_attributes(fd, member);
    close(fd);
    return error;
}

static int make_hard_link(int folder, const struct tar_member *member)
{
    char name[NAME_MAX + 1];
    if (!strcmp(member->link, member->path))
        return 0;
    int from = open_parent_in_root(folder, member->link, name);
    if (from < 0)
        return errno;
    int error = clear_place(member);
    if (!error && linkat(from, name, member->parent, member->name, 0))
        error = errno;
    close(from);
    return error;
}

/* Attributes of what cannot be opened, without following it. Its mode was given when it was made. */
static int apply_by_name(const struct tar_member *member)
{
    struct timespec times[2] = { member->mtime, member->mtime };
    return fchownat(member->parent, member->name, member->uid, member->gid, AT_SYMLINK_NOFOLLOW) ||
                   utimensat(member->parent, member->name, times, AT_SYMLINK_NOFOLLOW)
               ? errno
               : 0;
}

static int make_symlink(const struct tar_member *member)
{
    int error = clear_place(member);
    if (error)
        return error;
    return symlinkat(member->link, member->parent, member->name) ? errno : apply_by_name(member);
}

static int make_node(const struct tar_member *member)
{
    mode_t kind = member->type == TAR_FIFO ? S_IFIFO : member->type == TAR_BLOCK_DEVICE ? S_IFBLK : S_IFCHR;
    int error = clear_place(member);
    if (error)
        return error;
    mode_t old = umask(0);
    int failed = mknodat(member->parent, member->name, kind | (member->mode & 0777), member->device);
    error = errno;
    umask(old);
    return failed ? error : apply_by_name(member);
}

static int make_file(struct tar_member *member)
{
    int error = clear_place(member);
    if (error)
        return error;
    member->file = openat(member->parent, member->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return member->file < 0 ? errno : 0;
}

static int make_member(int folder, struct tar_member *member)
{
    switch (member->type) {
    case TAR_FOLDER:
        return make_folder(folder, member);
    case TAR_HARD_LINK:
        return make_hard_link(folder, member);
    case TAR_SYMLINK:
        return make_symlink(member);
    case TAR_FIFO:
    case TAR_CHARACTER_DEVICE:
    case TAR_BLOCK_DEVICE:
        return make_node(member);
    default:
        return make_file(member);
    }
}

static void close_parent(struct tar_member *member)
{
    if (member->parent >= 0)
        close(member->parent);
    member->parent = -1;
}

int member_begin(int folder, struct tar_member *member)
{
    member->file = -1;
    member->parent = open_parent(folder, member->path, member->name);
    if (member->parent < 0)
        return errno;
    int error = make_member(folder, member);
    if (member->file < 0)
        close_parent(member);
    return error;
}

int member_finish(struct tar_member *member)
{
    int error = apply_attributes(member->file, member);
    close(member->file);
    member->file = -1;
    close_parent(member);
    return error;
}

void member_abandon(struct tar_member *member)
{
    if (member->file < 0)
        return;
    close(member->file);
    member->file = -1;
    unlinkat(member->parent, member->name, 0);
    close_parent(member);
}
