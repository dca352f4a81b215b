/*
 * A line for each file: path, type and mode, owner, time, size, a sum of the content, the earlier name of the same file and how many
 * there are, target of a link, number of a device, extended attributes. Sorted, so that equal trees say equal things.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct seen {
    ino_t inode;
    char *path;
};

/* Longer than any path of one system call: it names files folder by folder. */
static char path[1 << 16];
static dev_t device;
static void *tree;

static void put(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf(bytes[i] > ' ' && bytes[i] < 127 && bytes[i] != '\\' ? "%c" : "\\%02x", (unsigned char)bytes[i]);
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *left = a, *right = b;
    return left->inode < right->inode ? -1 : left->inode > right->inode;
}

static const char *first_name(const struct stat *stat)
{
    struct seen *seen = malloc(sizeof *seen);
    *seen = (struct seen){ stat->st_ino, strdup(path) };
    return (*(struct seen **)tsearch(seen, &tree, compare_seen))->path;
}

/* FNV-1a of 64 bits. */
static int put_content(const char *name)
{
    static uint8_t bytes[1 << 16];
    uint64_t sum = 0xcbf29ce484222325;
    int fd = open(name, O_RDONLY | O_NOFOLLOW);
    ssize_t n;
    while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = (sum ^ bytes[i]) * 0x100000001b3;
    if (fd < 0 || n < 0)
        return -1;
    printf(" sum %016llx", (unsigned long long)sum);
    return close(fd);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put_attributes(const char *name)
{
    static char list[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
    char *names[1024];
    size_t count = 0;
    ssize_t length = llistxattr(name, list, sizeof list);
    for (char *at = list; at < list + length; at += strlen(at) + 1)
        names[count++] = at;
    qsort(names, count, sizeof *names, compare_texts);
    for (size_t i = 0; i < count; i++) {
        ssize_t size = lgetxattr(name, names[i], value, sizeof value);
        if (size < 0)
            return -1;
        printf(" ");
        put(names[i], strlen(names[i]));
        printf("=");
        put(value, (size_t)size);
    }
    /* Images without any attribute do not know of them. */
    return length < 0 && errno != ENOTSUP ? -1 : 0;
}

static int put_one(const char *name, const struct stat *stat)
{
    char target[PATH_MAX];
    put(path, strlen(path));
    printf(" %o %u:%u %lld", stat->st_mode, stat->st_uid, stat->st_gid, (long long)stat->st_mtime);
    if (!S_ISDIR(stat->st_mode))
        printf(" size %lld links %lu of ", (long long)stat->st_size, (unsigned long)stat->st_nlink);
    if (!S_ISDIR(stat->st_mode))
        put(first_name(stat), strlen(first_name(stat)));
    if (S_ISREG(stat->st_mode) && put_content(name))
        return -1;
    ssize_t length = S_ISLNK(stat->st_mode) ? readlink(name, target, sizeof target) : 0;
    if (length < 0 || (length && printf(" to ") < 0))
        return -1;
    put(target, (size_t)length);
    if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode))
        printf(" device %lx", (unsigned long)stat->st_rdev);
    if (put_attributes(name))
        return -1;
    return printf("\n") < 0;
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* By chdir: no path is too long for it. Other file systems are named, and not entered. */
static int walk_into(const char *name, size_t length)
{
    struct dirent **entries;
    struct stat stat;
    if (lstat(name, &stat) || put_one(name, &stat))
        return -1;
    if (!S_ISDIR(stat.st_mode) || stat.st_dev != device)
        return 0;
    if (chdir(name))
        return -1;
    int count = scandir(".", &entries, no_dots, alphasort);
    for (int i = 0; i < count; i++) {
        int added = snprintf(path + length, sizeof path - length, "/%s", entries[i]->d_name);
        if (walk_into(entries[i]->d_name, length + (size_t)added))
            return -1;
        path[length] = 0;
        free(entries[i]);
    }
    if (count < 0)
        return -1;
    free(entries);
    return chdir("..");
}

int walk(char **words)
{
    struct stat stat;
    if (lstat(words[0], &stat))
        return -1;
    device = stat.st_dev;
    return walk_into(words[0], 0);
}
