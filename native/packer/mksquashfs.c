#include "packer/mksquashfs.h"

#include "packer/attributes.h"
#include "packer/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;
static int input = -1;
static int words = -1; /* its stdout and stderr */

/* clang-format off */
static _Noreturn void become(const char *image, const struct stat *root)
{
    char mode[8], uid[16], gid[16], time[16];
    static char *const environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
    snprintf(mode, sizeof mode, "%o", root->st_mode & 07777);
    snprintf(uid, sizeof uid, "%u", root->st_uid);
    snprintf(gid, sizeof gid, "%u", root->st_gid);
    snprintf(time, sizeof time, "%u", time_in_image(root));
    char *const arguments[] = {
        "mksquashfs", "-", (char *)image, "-tar", "-noappend", "-no-progress", "-quiet", "-exit-on-error",
        /* As layers are packed: level 3 is as fast as the disk, and 10 % larger than the default of 15. */
        "-comp", "zstd", "-Xcompression-level", "3",
        /* The cache of blocks; the default is a quarter of the machine. */
        "-mem", "128M",
        /* Its search for equal files compares each with all of its size: minutes for 100,000 small ones. */
        "-no-duplicates",
        /* What 4.5 ignores of these, root-inode.c puts right, which needs inodes that are not compressed. */
        "-noI", "-root-mode", mode, "-root-uid", uid, "-root-gid", gid, "-root-time", time,
        /* The same tree gives the same bytes. */
        "-mkfs-time", "0", NULL
    };
    execve("/usr/bin/mksquashfs", arguments, environment);
    dprintf(2, "cannot run /usr/bin/mksquashfs: %s", strerror(errno));
    _exit(127);
}
/* clang-format on */

int mksquashfs_start(const char *image, const struct stat *root)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        return fail(errno, "pipe");
    child = fork();
    if (child < 0)
        return fail(errno, "fork");
    if (child == 0) {
        if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0 || close_range(3, ~0u, 0))
            _exit(126);
        become(image, root);
    }
    close(in[0]);
    close(out[1]);
    /* A larger pipe: less waking of the one by the other. Not had when the user's share of pipe memory is used up. */
    fcntl(in[1], F_SETPIPE_SZ, 1 << 20);
    input = in[1];
    words = out[0];
    return 0;
}

int mksquashfs_input(void)
{
    return input;
}

int mksquashfs_finish(void)
{
    char text[200], rest[512];
    size_t filled = 0;
    int status;
    close(input);
    for (ssize_t n; filled < sizeof text - 1 && (n = read(words, text + filled, sizeof text - 1 - filled)) > 0;)
        filled += (size_t)n;
    while (read(words, rest, sizeof rest) > 0)
        ;
    text[filled] = 0;
    text[strcspn(text, "\n")] = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) || filled)
        return fail(strstr(text, "No space left") ? ENOSPC : EIO, "mksquashfs: %s", filled ? text : "it was killed");
    return 0;
}
