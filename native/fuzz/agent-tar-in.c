/*
 * Unpacks hostile tars into a folder of its own and looks that nothing beside it has changed. Needs root: owners,
 * devices.
 * The first byte says how the tar is cut into pieces. Checksums are made right, else almost every mutation would end
 * there.
 */
#include "agent/tar-in.h"

#include "agent/protocol.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAR_MAX 65536

static char top[] = "/tmp/agent-tar-in-XXXXXX";
static struct stat outside_at_first;
static const char precious[] = "precious";

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat, (void)type;
    return where->level ? remove(path) : 0;
}

static int remove_top(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat, (void)type, (void)where;
    return remove(path);
}

static void clean_up(void)
{
    if (!chdir("/"))
        nftw(top, remove_top, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void make_world(void)
{
    assert(mkdtemp(top) && !chdir(top) && !mkdir("in", 0700) && !mkdir("out", 0700));
    atexit(clean_up);
    int fd = open("out/file", O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert(fd >= 0 && write(fd, precious, sizeof precious) == (ssize_t)sizeof precious);
    close(fd);
    assert(!stat("out", &outside_at_first));
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void check_outside(void)
{
    char content[sizeof precious];
    struct stat folder, file;
    assert(!stat("out", &folder) && same_time(folder.st_ctim, outside_at_first.st_ctim));
    assert(!lstat("out/file", &file) && S_ISREG(file.st_mode) && file.st_nlink == 1 &&
           file.st_size == (off_t)sizeof precious);
    int fd = open("out/file", O_RDONLY);
    assert(fd >= 0 && read(fd, content, sizeof content) == (ssize_t)sizeof content &&
           !memcmp(content, precious, sizeof content));
    close(fd);
    /* in and out, nothing else: the folder's links are ".", and the ".." of each. */
    assert(!stat(".", &folder) && folder.st_nlink == 4);
}

/* Gives every block that might be a header the checksum that it needs. */
static void mend_checksums(uint8_t *tar, size_t size)
{
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
        struct tar_header header;
        memcpy(&header, tar + at, sizeof header);
        if (header.checksum[6] != 0 || header.checksum[7] != ' ')
            continue;
        snprintf(header.checksum, 7, "%06o", tar_checksum(&header) & 0777777);
        header.checksum[7] = ' ';
        memcpy(tar + at, &header, sizeof header);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tar_in tar;
    static uint8_t bytes[TAR_MAX];
    static bool made;
    if (size < 2 || size > TAR_MAX)
        return 0;
    if (!made)
        make_world();
    made = true;
    size_t piece = data[0] ? data[0] * 7u : size;
    size--;
    memcpy(bytes, data + 1, size);
    mend_checksums(bytes, size);
    int folder = open("in", O_PATH | O_DIRECTORY | O_CLOEXEC);
    tar_in_begin(&tar, folder, SAME_OWNER, SAME_OWNER);
    int error = 0;
    for (size_t at = 0; at < size && !error; at += piece)
        error = tar_in_feed(&tar, bytes + at, size - at < piece ? size - at : piece);
    tar_in_end(&tar);
    assert(tar.member.file == -1 && tar.member.parent == -1);
    close(folder);
    check_outside();
    assert(!nftw("in", remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT));
    return 0;
}
