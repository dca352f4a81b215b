#include "agent/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER (O_PATH | O_DIRECTORY)

int open_in_root(int root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;
    /* Kernel: openat2 gives EAGAIN when a rename raced with `..`; a sandbox may keep that up, so not for ever. */
    for (int tries = 0; tries < 64; tries++) {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            return fd;
    }
    return fd;
}

int open_parent_in_root(int root, const char *path, char name[NAME_MAX + 1])
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    size_t parent_length = (size_t)(last - path);
    if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
        return errno = EINVAL, -1;
    if (strlen(last) > NAME_MAX || parent_length >= sizeof parent)
        return errno = ENAMETOOLONG, -1;
    memcpy(parent, path, parent_length);
    parent[parent_length] = 0;
    strcpy(name, last);
    return open_in_root(root, parent_length ? parent : ".", FOLDER);
}

int make_folders_in_root(int root, const char *path)
{
    char prefix[PATH_MAX];
    char name[NAME_MAX + 1];
    int fd = open_in_root(root, *path ? path : ".", FOLDER);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (strlen(path) >= sizeof prefix)
        return errno = ENAMETOOLONG, -1;
    /* Each prefix in turn: links on the way are followed as open_in_root() does. */
    for (const char *end = path; *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        memcpy(prefix, path, (size_t)(end - path));
        prefix[end - path] = 0;
        fd = open_in_root(root, prefix, FOLDER);
        if (fd < 0 && errno == ENOENT) {
            int parent = open_parent_in_root(root, prefix, name);
            if (parent < 0)
                return -1;
            int failed = mkdirat(parent, name, 0755);
            int error = errno;
            close(parent);
            if (failed && error != EEXIST)
                return errno = error, -1;
            fd = open_in_root(root, prefix, FOLDER);
        }
        if (fd < 0)
            return -1;
        if (!end[strspn(end, "/")])
            return fd;
        close(fd);
    }
    return errno = ENOENT, -1;
}
