#include "packer/file.h"

#include "packer/pack.h"
#include "tar/format.h"
#include "tar/sink.h"

#include <errno.h>
#include <unistd.h>

/*
 * Bytes of all files together, holes included. mksquashfs makes holes of zeros again, but has to look at each of them:
 * 1 to 2 GB/s. What an upper holds for real is bounded by its size; this bounds what a sandbox only pretends to.
 */
#define LOGICAL_MAX (256ull << 30)

static uint64_t logical_bytes;

int file_check_size(const struct stat *stat, const char *path)
{
    uint64_t size = (uint64_t)stat->st_size;
    if (size > LOGICAL_MAX || (logical_bytes += size) > LOGICAL_MAX)
        return fail(EFBIG, "more than %llu GiB of files and holes, with %s", LOGICAL_MAX >> 30, path);
    return 0;
}

static int send_zeros(uint64_t length)
{
    static const char zeros[64 << 10];
    for (uint64_t piece; length; length -= piece) {
        piece = length < sizeof zeros ? length : sizeof zeros;
        if (sink_put(zeros, piece))
            return -1;
    }
    return 0;
}

static int send_data(int file, uint64_t length, const char *path)
{
    while (length) {
        ssize_t n = sink_read(file, length);
        if (n == SINK_LOST)
            return -1;
        if (n <= 0)
            return fail(n ? errno : EIO, "%s changed while it was read", path);
        length -= (uint64_t)n;
    }
    return 0;
}

int file_send(int file, const struct tar_entry *entry)
{
    uint64_t size = (uint64_t)entry->stat.st_size, at = 0;
    while (at < size) {
        off_t data = lseek(file, (off_t)at, SEEK_DATA);
        /* ENXIO: nothing but a hole up to the end. */
        if (data < 0 && errno != ENXIO)
            return fail(errno, "%s", entry->path);
        uint64_t start = data < 0 || (uint64_t)data > size ? size : (uint64_t)data;
        if (send_zeros(start - at))
            return -1;
        if (start == size)
            break;
        off_t hole = lseek(file, (off_t)start, SEEK_HOLE);
        uint64_t end = hole < 0 || (uint64_t)hole > size ? size : (uint64_t)hole;
        if (lseek(file, (off_t)start, SEEK_SET) < 0)
            return fail(errno, "%s", entry->path);
        if (send_data(file, end - start, entry->path))
            return -1;
        at = end;
    }
    return send_zeros((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}
