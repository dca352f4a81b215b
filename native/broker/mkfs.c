#include "mkfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A journal of 4 MiB, so that a host that loses power has a consistent upper; no reserved blocks, no background
 * initialisation of inode tables (the image is zero already), an inode per 8 KiB: dependency trees are small files.
 */
/* clang-format off */
static char *const arguments[] = {
    "mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-i", "8192", "-J", "size=4", "-b", "4096", "-O", "^resize_inode",
    "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", "/proc/self/fd/3", NULL
};
/* clang-format on */

int make_ext4(int image, struct outcome *out)
{
    pid_t child = fork();
    if (child < 0)
        return fail(out, STEP_MKFS, "fork");
    if (child == 0) {
        /* A worker that is killed must not leave a writer of its image. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        static char *const environment[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL=C", NULL };
        int null = open("/dev/null", O_RDWR);
        if (dup2(image, 3) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(126);
        close_range(4, ~0u, 0);
        execve("/usr/sbin/mke2fs", arguments, environment);
        execve("/sbin/mke2fs", arguments, environment);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return fail(out, STEP_MKFS, "wait");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return fail_with(out, ENOENT, STEP_MKFS, "mke2fs is not installed (e2fsprogs)");
    return fail_with(out, EIO, STEP_MKFS, "mke2fs ended with status 0x%x", (unsigned)status);
}
