#include "agent/tar-out.h"

#include "tar/sink.h"
#include "tar/entry.h"
#include "agent/tar-links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders within folders; each holds a descriptor. */
#define DEPTH_MAX 128

struct level {
    int fd;
    size_t path_length;
    ssize_t at;
    ssize_t have;
    _Alignas(struct dirent64) char entries[4096];
};

static struct level levels[DEPTH_MAX];
static char path[DEPTH_MAX * (NAME_MAX + 1) + 2];
static const char zeros[2 * TAR_BLOCK];

static int pad_with_zeros(uint64_t length)
{
    for (uint64_t piece; length; length -= piece) {
        piece = length < sizeof zeros ? length : sizeof zeros;
        if (sink_put(zeros, piece))
            return SINK_LOST;
    }
    return 0;
}

/* The header has promised st_size bytes: a file that shrinks is filled up with zeros, one that grows is cut. */
static int send_body(int fd, uint64_t size)
{
    uint64_t left = size;
    while (left) {
        ssize_t n = sink_read(fd, left < SIZE_MAX ? left : SIZE_MAX);
        if (n < 0)
            return n == SINK_LOST ? SINK_LOST : errno;
        if (n == 0)
            break;
        left -= (uint64_t)n;
    }
    return pad_with_zeros(left + (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static int send_file(int folder, const char *name, struct tar_entry *entry)
{
    struct stat now;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? 0 : errno;
    /* What was opened counts, not what was looked at before. */
    int error = fstat(fd, &now) ? errno : 0;
    if (!error && S_ISREG(now.st_mode)) {
        entry->stat = now;
        error = send_tar_header(entry);
        if (!error)
            error = send_body(fd, (uint64_t)now.st_size);
    }
    close(fd);
    return error;
}

static int enter(int fd, size_t path_length, int depth)
{
    if (depth == DEPTH_MAX) {
        close(fd);
        return ENAMETOOLONG;
    }
    levels[depth] = (struct level){ .fd = fd, .path_length = path_length };
    return 0;
}

static int send_symlink(int folder, const char *name, struct tar_entry *entry)
{
    static char target[PATH_MAX];
    ssize_t n = readlinkat(folder, name, target, sizeof target - 1);
    if (n < 0)
        return errno == ENOENT || errno == EINVAL ? 0 : errno;
    target[n] = 0;
    entry->link = target;
    return send_tar_header(entry);
}

/* Sends one entry of the folder at `*depth`; goes down into it when it is a folder itself. */
static int send_entry(const char *name, int *depth, dev_t device)
{
    struct level *level = &levels[*depth];
    struct tar_entry entry = { .path = path };
    size_t length = strlen(name);
    if (level->path_length + length + 2 > sizeof path)
        return ENAMETOOLONG;
    memcpy(path + level->path_length, name, length + 1);
    if (fstatat(level->fd, name, &entry.stat, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : errno;
    if (S_ISSOCK(entry.stat.st_mode))
        return 0;
    if (S_ISDIR(entry.stat.st_mode)) {
        strcpy(path + level->path_length + length, "/");
        int error = send_tar_header(&entry);
        if (error || entry.stat.st_dev != device)
            return error;
        int fd = openat(level->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : errno;
        return enter(fd, level->path_length + length + 1, ++*depth);
    }
    if (entry.stat.st_nlink > 1 && (entry.link = earlier_link(&entry.stat, path))) {
        entry.hard_link = true;
        return send_tar_header(&entry);
    }
    if (S_ISREG(entry.stat.st_mode))
        return send_file(level->fd, name, &entry);
    if (S_ISLNK(entry.stat.st_mode))
        return send_symlink(level->fd, name, &entry);
    return send_tar_header(&entry);
}

static int send_next(int *depth, dev_t device)
{
    struct level *level = &levels[*depth];
    if (level->at == level->have) {
        level->at = 0;
        level->have = getdents64(level->fd, level->entries, sizeof level->entries);
        if (level->have <= 0) {
            /* Kernel: ENOENT is a folder that was removed meanwhile. */
            int error = level->have < 0 && errno != ENOENT ? errno : 0;
            close(level->fd);
            --*depth;
            return error;
        }
    }
    struct dirent64 *entry = (struct dirent64 *)(level->entries + level->at);
    level->at += entry->d_reclen;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
        return 0;
    return send_entry(entry->d_name, depth, device);
}

int send_tar(int folder)
{
    struct stat stat;
    int depth = 0;
    int error = fstat(folder, &stat) ? errno : enter(folder, 0, depth);
    while (!error && depth >= 0)
        error = send_next(&depth, stat.st_dev);
    return error ? error : pad_with_zeros(2 * TAR_BLOCK);
}
