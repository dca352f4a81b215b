#include "layers.h"

#include "beneath.h"
#include "image.h"
#include "sha256.h"
#include "stamp.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_mounts(const struct broker *broker, struct outcome *out)
{
    int fd = open_beneath(broker->run, LAYER_MOUNTS, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? fail(out, STEP_MOUNT, LAYER_MOUNTS) : fd;
}

int layer_open(const struct broker *broker, const char *digest_hex, struct outcome *out)
{
    char path[128];
    struct stat s;
    snprintf(path, sizeof path, "modules/sha256/%s.squashfs", digest_hex);
    int fd = open_beneath(broker->data, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fail(out, STEP_LAYER, "%.64s", digest_hex);
    if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_uid == 0 && !(s.st_mode & 0222))
        return fd;
    close(fd);
    return fail_with(out, EPERM, STEP_LAYER, "%.64s is not a read-only file of root", digest_hex);
}

int layer_check_digest(const struct broker *broker, int fd, const digest_t *digest, uint64_t *size, struct outcome *out)
{
    char digest_hex[HEX32];
    uint8_t found[32];
    hex(digest->bytes, 32, digest_hex);
    if (sha256_file(fd, found, size))
        return fail(out, STEP_DIGEST, "%.64s", digest_hex);
    if (memcmp(found, digest->bytes, 32)) {
        stamp_remove(broker, digest_hex);
        return fail_with(out, EBADMSG, STEP_DIGEST, "%.64s", digest_hex);
    }
    /* On a full disk it goes without a stamp, and is hashed again next time: a layer must not need space to be read. */
    struct outcome unstamped = { 0 };
    stamp_write(broker, fd, digest_hex, &unstamped);
    return 0;
}

int layer_verify(const struct broker *broker, const digest_t *digest, struct outcome *out)
{
    char digest_hex[HEX32];
    uint64_t size = 0;
    hex(digest->bytes, 32, digest_hex);
    int fd = layer_open(broker, digest_hex, out);
    if (fd < 0)
        return -1;
    int bad = layer_check_digest(broker, fd, digest, &size, out);
    close(fd);
    if (!bad)
        answer(out, &size, sizeof size);
    return bad;
}

int layer_attach(const struct broker *broker, const digest_t *digest, struct outcome *out)
{
    char digest_hex[HEX32];
    uint64_t size;
    hex(digest->bytes, 32, digest_hex);
    int mounts = open_mounts(broker, out);
    if (mounts < 0)
        return -1;
    int bad = 0;
    if (!is_mounted(mounts, digest_hex)) {
        int fd = layer_open(broker, digest_hex, out);
        bad = fd < 0 ||
              (!stamp_matches(broker, fd, digest_hex) && layer_check_digest(broker, fd, digest, &size, out)) ||
              image_mount(
                  &(struct image_mount){
                      .file = fd, .type = "squashfs", .read_only = 1, .parent = mounts, .mountpoint = digest_hex },
                  out);
        if (fd >= 0)
            close(fd);
    }
    close(mounts);
    return bad ? -1 : 0;
}

int layer_detach(const struct broker *broker, const digest_t *digest, struct outcome *out)
{
    char digest_hex[HEX32];
    hex(digest->bytes, 32, digest_hex);
    int mounts = open_mounts(broker, out);
    if (mounts < 0)
        return -1;
    int bad = image_unmount(mounts, digest_hex, out);
    close(mounts);
    return bad;
}

int layer_remove(const struct broker *broker, const digest_t *digest, struct outcome *out)
{
    char digest_hex[HEX32], path[128];
    hex(digest->bytes, 32, digest_hex);
    int mounts = open_mounts(broker, out);
    if (mounts < 0)
        return -1;
    int mounted = is_mounted(mounts, digest_hex);
    close(mounts);
    /* A publisher that is at work may have stored the bytes and not yet their name: then they stay. */
    int lock = store_lock(broker, 0);
    uint32_t gone[2] = { lock >= 0 && !mounted && !digest_is_named(broker, digest_hex), 0 };
    snprintf(path, sizeof path, "modules/sha256/%s.squashfs", digest_hex);
    if (gone[0] && unlinkat(broker->data, path, 0) && errno != ENOENT)
        return fail(out, STEP_STORE, "%.64s", digest_hex);
    if (gone[0])
        stamp_remove(broker, digest_hex);
    if (lock >= 0)
        close(lock);
    answer(out, gone, sizeof gone);
    return 0;
}
