#include "stamp.h"

#include "beneath.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMPS "modules/.stamps"

static int describe(int fd, char *text, size_t size)
{
    struct stat s;
    if (fstat(fd, &s))
        return -1;
    return snprintf(text, size, "%llu %llu %lld %lld.%09ld %lld.%09ld\n", (unsigned long long)s.st_dev,
                    (unsigned long long)s.st_ino, (long long)s.st_size, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                    (long long)s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
}

int stamp_matches(const struct broker *broker, int fd, const char *digest_hex)
{
    char path[128], now[160], then[160];
    snprintf(path, sizeof path, STAMPS "/%s", digest_hex);
    return describe(fd, now, sizeof now) > 0 && read_knob(broker->data, path, then, sizeof then) > 0 &&
           !strcmp(now, then);
}

int stamp_write(const struct broker *broker, int fd, const char *digest_hex, struct outcome *out)
{
    char text[160];
    int length = describe(fd, text, sizeof text);
    int modules = open_beneath(broker->data, "modules", O_RDONLY | O_DIRECTORY, 0);
    int bad = length < 0 || modules < 0 || ensure_folder(modules, ".stamps", 0700, 0, 0);
    int folder = bad ? -1 : open_beneath(modules, ".stamps", O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0 || write_file_durably(folder, digest_hex, text, (size_t)length, 0400, 0))
        bad = fail(out, STEP_STORE, "stamp of %.20s", digest_hex);
    if (folder >= 0)
        close(folder);
    if (modules >= 0)
        close(modules);
    return bad ? -1 : 0;
}

void stamp_remove(const struct broker *broker, const char *digest_hex)
{
    char path[128];
    snprintf(path, sizeof path, STAMPS "/%s", digest_hex);
    unlinkat(broker->data, path, 0);
}
