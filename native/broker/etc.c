#include "beneath.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int replace(int etc, const char *name, const char *text, struct outcome *out)
{
    if (unlinkat(etc, name, 0) && errno != ENOENT)
        return fail(out, STEP_ETC, "/etc/%s", name);
    int fd = openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    size_t length = strlen(text);
    int bad = fd < 0 || write(fd, text, length) != (ssize_t)length;
    if (bad)
        fail(out, STEP_ETC, "/etc/%s", name);
    if (fd >= 0)
        close(fd);
    return bad ? -1 : 0;
}

static int fill(int etc, const char *hostname, struct outcome *out)
{
    char line[80], hosts[200];
    snprintf(line, sizeof line, "%s\n", hostname);
    snprintf(hosts, sizeof hosts, "127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n",
             hostname);
    if (replace(etc, "hostname", line, out) || replace(etc, "hosts", hosts, out))
        return -1;
    /* Nobody answers there: a look-up fails at once instead of after a resolver's long patience. */
    return replace(etc, "resolv.conf",
                   "# This sandbox has no network but loopback.\n"
                   "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                   out);
}

/* Runs as the sandbox's own root, after the change of root. A layer chose what /etc is: a link is refused, wherever it leads. */
int etc_write(const struct machine_start *start, struct outcome *out)
{
    uint32_t flags = start->request->flags;
    if (!(flags & FLAG_WRITE_ETC) && (!start->fresh || flags & FLAG_KEEP_ETC))
        return 0;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int etc = root < 0 ? -1 : open_in_root(root, "etc", O_RDONLY | O_DIRECTORY);
    if (root >= 0 && etc < 0 && errno == ENOENT && !mkdirat(root, "etc", 0755))
        etc = open_in_root(root, "etc", O_RDONLY | O_DIRECTORY);
    int bad = etc < 0 ? fail(out, STEP_ETC, "/etc") : fill(etc, start->request->hostname, out);
    if (etc >= 0)
        close(etc);
    if (root >= 0)
        close(root);
    return bad;
}
