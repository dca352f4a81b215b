#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

int make_attribute(char **words)
{
    static unsigned char value[XATTR_SIZE_MAX];
    size_t length = strlen(words[2]) / 2;
    for (size_t i = 0; i < length; i++)
        if (sscanf(words[2] + 2 * i, "%2hhx", &value[i]) != 1)
            return errno = EINVAL, -1;
    return lsetxattr(words[0], words[1], value, length, 0);
}

int make_socket(char **words)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", words[0]);
    return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
}

int make_time(char **words)
{
    const struct timespec time = { strtoll(words[1], NULL, 10), atol(words[2]) };
    return utimensat(AT_FDCWD, words[0], (struct timespec[]){ time, time }, AT_SYMLINK_NOFOLLOW);
}

static int make_file(const char *text)
{
    int fd = open(text, O_WRONLY | O_CREAT | O_EXCL, 0644);
    int bad = fd < 0 || write(fd, text, strlen(text)) < 0;
    return bad || close(fd) ? -1 : 0;
}

int make_deep(char **words)
{
    char name[256] = "";
    size_t left = strtoul(words[1], NULL, 10), segment = strtoul(words[2], NULL, 10);
    if (segment > 255 || chdir(words[0]))
        return -1;
    for (; left > segment + 1; left -= segment + 1) {
        memset(name, 'd', segment);
        if ((mkdir(name, 0755) && errno != EEXIST) || chdir(name))
            return -1;
    }
    memset(name, 'f', left);
    name[left] = 0;
    int fd = open(name, O_WRONLY | O_CREAT, 0644);
    return fd < 0 ? -1 : close(fd);
}

int make_many(char **words)
{
    char name[24];
    long count = atol(words[1]);
    if (chdir(words[0]))
        return -1;
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%03ld", i / 1000);
        if (i % 1000 == 0 && ((i && chdir("..")) || mkdir(name, 0755) || chdir(name)))
            return -1;
        snprintf(name, sizeof name, "%ld", i);
        if (make_file(name))
            return -1;
    }
    return 0;
}

int make_modes(char **words)
{
    char name[16];
    if (chdir(words[0]))
        return -1;
    for (unsigned mode = 0; mode <= 07777; mode++) {
        snprintf(name, sizeof name, "f%04o", mode);
        if (make_file(name) || chmod(name, mode))
            return -1;
        snprintf(name, sizeof name, "d%04o", mode);
        if (mkdir(name, 0700) || chmod(name, mode))
            return -1;
    }
    return 0;
}

int make_owners(char **words)
{
    char name[16];
    unsigned count = (unsigned)atoi(words[1]);
    if (chdir(words[0]))
        return -1;
    for (unsigned id = 0; id < count; id++) {
        snprintf(name, sizeof name, "%u", id);
        if (mknod(name, S_IFREG | 0600, 0) || chown(name, id, 65535 - id))
            return -1;
    }
    return 0;
}
