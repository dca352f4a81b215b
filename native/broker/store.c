/* The bytes of layers and snapshots: modules/sha256/<digest>.squashfs, of root. */
#include "store.h"

#include "beneath.h"
#include "layers.h"
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

int store_lock(const struct broker *broker, int wait)
{
    int lock = open_beneath(broker->data, "modules/.lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX | (wait ? 0 : LOCK_NB))) {
        int error = errno;
        close(lock);
        errno = error;
        return -1;
    }
    return lock;
}

/* Whether the bytes that are there already are as good. */
static int is_stored_well(const struct broker *broker, const digest_t *digest)
{
    struct outcome ignored = { 0 };
    char digest_hex[HEX32];
    uint64_t size;
    hex(digest->bytes, 32, digest_hex);
    int there = layer_open(broker, digest_hex, &ignored);
    int good = there >= 0 && !layer_check_digest(broker, there, digest, &size, &ignored);
    if (there >= 0)
        close(there);
    return good;
}

/* Publishing again is how a damaged layer is repaired; who has it mounted keeps what it has. */
static int replace_bytes(int modules, int fd, const char *path)
{
    const char *temporary = "sha256/.repair";
    unlinkat(modules, temporary, 0);
    return linkat(fd, "", modules, temporary, AT_EMPTY_PATH) || renameat(modules, temporary, modules, path);
}

int store_bytes(const struct broker *broker, int modules, int fd, const digest_t *digest, struct outcome *out)
{
    char digest_hex[HEX32], path[128];
    hex(digest->bytes, 32, digest_hex);
    if (ensure_folder(modules, "sha256", 0750, 0, broker->daemon_gid))
        return fail(out, STEP_STORE, "sha256");
    snprintf(path, sizeof path, "sha256/%s.squashfs", digest_hex);
    int stored = !linkat(fd, "", modules, path, AT_EMPTY_PATH);
    if (!stored && errno == EEXIST)
        stored = is_stored_well(broker, digest) || !replace_bytes(modules, fd, path);
    if (!stored)
        return fail(out, STEP_STORE, "%s", path);
    int folder = open_beneath(modules, "sha256", O_RDONLY | O_DIRECTORY, 0);
    int bad = folder < 0 || fsync(folder);
    if (bad)
        fail(out, STEP_STORE, "sha256");
    if (folder >= 0)
        close(folder);
    return bad ? -1 : 0;
}

int store_stamp(const struct broker *broker, const char *digest_hex, struct outcome *out)
{
    int fd = layer_open(broker, digest_hex, out);
    int bad = fd < 0 || stamp_write(broker, fd, digest_hex, out);
    if (fd >= 0)
        close(fd);
    return bad;
}
