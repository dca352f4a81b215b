#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs after the change of root and of user: a link in a hostile layer leads into the sandbox's own files at worst. */
static int replace(const char *path, const char *text, struct outcome *out)
{
    if (unlink(path) && errno != ENOENT)
        return fail(out, STEP_ETC, "%s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    size_t length = strlen(text);
    int bad = fd < 0 || write(fd, text, length) != (ssize_t)length;
    if (bad)
        fail(out, STEP_ETC, "%s", path);
    if (fd >= 0)
        close(fd);
    return bad ? -1 : 0;
}

int etc_write(const struct machine_start *start, struct outcome *out)
{
    char text[400];
    const char *name = start->request->hostname;
    if (!start->fresh)
        return 0;
    if (mkdir("/etc", 0755) && errno != EEXIST)
        return fail(out, STEP_ETC, "/etc");
    snprintf(text, sizeof text, "%s\n", name);
    if (replace("/etc/hostname", text, out))
        return -1;
    snprintf(text, sizeof text, "127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n", name);
    if (replace("/etc/hosts", text, out))
        return -1;
    /* Nobody answers there: a look-up fails at once instead of after a resolver's long patience. */
    return replace("/etc/resolv.conf",
                   "# This sandbox has no network but loopback.\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                   out);
}
