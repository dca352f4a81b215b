#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int try_read(char **words)
{
    char byte;
    /* Without waiting: a device may have nothing to say for now. */
    int fd = open(words[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, &byte, 1);
    return n < 0 ? -1 : n == 0;
}

static int put(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, length) != (ssize_t)length ? -1 : 0;
}

int try_write(char **words)
{
    return put(words[0], words[1], strlen(words[1]));
}

int try_rewrite(char **words)
{
    char text[4096];
    int fd = open(words[0], O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (length < 0)
        return -1;
    /* An empty value is a line of its own: a write of nothing would not reach the kernel's handler. */
    return length == 0 ? put(words[0], "\n", 1) : put(words[0], text, (size_t)length);
}

int try_handle(char **words)
{
    struct file_handle *handle = calloc(1, sizeof *handle + MAX_HANDLE_SZ);
    int mount_id, mount = open(words[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!handle || mount < 0)
        return -1;
    handle->handle_bytes = MAX_HANDLE_SZ;
    /* A file system that gives no handles gives the attempt one of nothing: it is refused before that is looked at. */
    if (name_to_handle_at(mount, words[1], handle, &mount_id, 0) && errno != EOPNOTSUPP)
        return -1;
    return open_by_handle_at(mount, handle, O_RDONLY) < 0 ? -1 : 0;
}

int try_terminals(char **words)
{
    for (int i = atoi(words[0]); i > 0; i--)
        if (posix_openpt(O_RDWR | O_NOCTTY) < 0)
            return -1;
    return 0;
}
