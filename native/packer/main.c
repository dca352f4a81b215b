/*
 * squash-packer: packs the writable layer of a sandbox, or the union of several layers, into a squashfs.
 *
 *   squash-packer IMAGE FOLDER…     (the first folder lies on top)
 *
 * The broker starts it as PID 1 of namespaces that hold nothing but these paths and the host's /usr, as the mapped root
 * of a user namespace that has the sandbox's ids: what it reads is hostile, and it may be taken over without harm.
 * It writes a tar, because mksquashfs 4.5 cannot leave out the marks of overlayfs, and stops at the first thing that
 * would not come back as it is, unless the report counts it.
 */
#include "packer/attributes.h"
#include "packer/mksquashfs.h"
#include "packer/owners.h"
#include "packer/pack.h"
#include "packer/root-inode.h"
#include "packer/walk.h"
#include "tar/format.h"
#include "tar/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pack_report report;

int fail(int error, const char *format, ...)
{
    if (report.error)
        return -1;
    va_list arguments;
    va_start(arguments, format);
    report.error = error ? error : EIO;
    vsnprintf(report.text, sizeof report.text, format, arguments);
    va_end(arguments);
    return -1;
}

static int open_roots(char *const *paths, size_t count, int *roots)
{
    for (size_t i = 0; i < count; i++) {
        roots[i] = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (roots[i] < 0)
            return fail(errno, "%s", paths[i]);
    }
    return 0;
}

static int pack(const char *image, char *const *paths, size_t count)
{
    static const char end[2 * TAR_BLOCK];
    struct stat top;
    int *roots = calloc(count, sizeof *roots);
    if (!roots || open_roots(paths, count, roots))
        return -1;
    if (fstat(roots[0], &top))
        return fail(errno, "%s", paths[0]);
    count_root_losses(roots[0], &top);
    if (owners_note(&top, "/") || mksquashfs_start(image, &top))
        return -1;
    int bad = walk(roots, count);
    bad = bad || sink_put(end, sizeof end) || sink_flush();
    /* When it stopped reading, its own words say why. */
    return mksquashfs_finish() || bad || root_inode_write(image, &top) ? -1 : 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 3)
        fail(EINVAL, "usage: squash-packer IMAGE FOLDER…");
    else if (pack(argv[1], argv + 2, (size_t)argc - 2))
        fail(EIO, "no reason given");
    int told = write(REPORT_DESCRIPTOR, &report, sizeof report) == (ssize_t)sizeof report;
    return report.error || !told;
}
