#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_resolved(int folder, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve };
    int fd;
    /* Kernel: openat2 gives EAGAIN when a rename raced with the walk; it is safe to ask again. */
    for (int tries = 0; tries < 32; tries++) {
        fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            return fd;
    }
    return fd;
}

int open_beneath(int folder, const char *path, int flags, mode_t mode)
{
    return open_resolved(folder, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int open_same_mount(int folder, const char *path, int flags)
{
    return open_resolved(folder, path, flags, 0,
                         RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int open_in_root(int root, const char *path, int flags)
{
    return open_resolved(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int ensure_folder(int parent, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    if (mkdirat(parent, name, 0700) && errno != EEXIST)
        return -1;
    int fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    int bad = fchown(fd, uid, gid) || fchmod(fd, mode);
    int error = errno;
    close(fd);
    errno = error;
    return bad ? -1 : 0;
}

static int write_all(int fd, const char *content, size_t length)
{
    while (length) {
        ssize_t n = write(fd, content, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        content += n;
        length -= (size_t)n;
    }
    return 0;
}

int write_file_durably(int folder, const char *name, const void *content, size_t length, mode_t mode, gid_t gid)
{
    char temporary[300];
    snprintf(temporary, sizeof temporary, ".%.200s.%d", name, (int)getpid());
    unlinkat(folder, temporary, 0);
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int bad = write_all(fd, content, length) || fchown(fd, 0, gid) || fchmod(fd, mode) || fsync(fd) ||
              renameat(folder, temporary, folder, name) || fsync(folder);
    int error = errno;
    if (bad)
        unlinkat(folder, temporary, 0);
    close(fd);
    errno = error;
    return bad ? -1 : 0;
}

int write_knob(int folder, const char *path, const char *value)
{
    int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t length = strlen(value);
    ssize_t n = write(fd, value, length);
    int error = n < 0 ? errno : EIO;
    close(fd);
    errno = error;
    return n == (ssize_t)length ? 0 : -1;
}

ssize_t read_knob(int folder, const char *path, char *buffer, size_t size)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buffer, size - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (n >= 0)
        buffer[n] = 0;
    return n;
}
