/*
 * Publishing a layer. The bytes go to modules/sha256/<digest>.squashfs first; the rename of the sidecar NNN-name.json
 * is the one moment at which the name points to them; NNN-name.squashfs is a second link, for people and plain tools.
 */
#include "beneath.h"
#include "layers.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDECAR_MAX (1u << 20)

/* Reads a whole small file; the caller frees it. NULL with errno when it is not a file of at most a mebibyte. */
static char *read_sidecar(int folder, const char *name)
{
    struct stat s;
    int fd = open_same_mount(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    errno = EFBIG;
    if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_size <= (off_t)SIDECAR_MAX)
        text = calloc(1, (size_t)s.st_size + 1);
    if (text && read(fd, text, (size_t)s.st_size) != s.st_size) {
        free(text);
        text = NULL;
        errno = EIO;
    }
    int error = errno;
    close(fd);
    errno = error;
    return text;
}

int digest_is_named(const struct broker *broker, const char *digest_hex)
{
    int folder = open_beneath(broker->data, "modules", O_RDONLY | O_DIRECTORY, 0);
    DIR *modules = folder < 0 ? NULL : fdopendir(folder);
    int named = !modules; /* what cannot be read might name it */
    for (struct dirent *entry; modules && !named && (entry = readdir(modules));) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || entry->d_name[0] == '.' || strcmp(entry->d_name + length - 5, ".json"))
            continue;
        char *text = read_sidecar(dirfd(modules), entry->d_name);
        named = !text || strstr(text, digest_hex);
        free(text);
    }
    if (modules)
        closedir(modules);
    else if (folder >= 0)
        close(folder);
    return named;
}

/* Puts a file that was taken in back among the staged, unless there is one of that name again. */
static void give_back(int staging, int taken, const char *name)
{
    if (renameat2(taken, name, staging, name, RENAME_NOREPLACE) && errno == EEXIST && unlinkat(taken, name, 0))
        unlinkat(taken, name, AT_REMOVEDIR);
}

/*
 * Makes the staged file root's, and root's alone. It is moved first to where nobody else can touch its name: in staging/,
 * a link to a stranger's file may be there when it is opened and gone when its links are counted, and the stranger's file
 * would become root's. After fchown and fchmod nobody else can open it for writing; the lease tells who still has it open so.
 */
static int take_over(const struct broker *broker, int staging, int taken, const char *name, struct outcome *out)
{
    struct stat s;
    if (renameat2(staging, name, taken, name, RENAME_NOREPLACE))
        return fail(out, STEP_STAGED, "%s", name);
    int fd = open_same_mount(taken, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &s) || !S_ISREG(s.st_mode) || s.st_nlink != 1)
        fail_with(out, EINVAL, STEP_STAGED, "%s is not a file with one name", name);
    else if (fchown(fd, 0, broker->daemon_gid) || fchmod(fd, 0440))
        fail(out, STEP_STAGED, "%s", name);
    else if (fcntl(fd, F_SETLEASE, F_RDLCK))
        fail_with(out, ETXTBSY, STEP_STAGED, "%s is still being written", name);
    else if (fstat(fd, &s) || s.st_nlink != 1)
        fail_with(out, EINVAL, STEP_STAGED, "%s got a second name", name);
    /* With its owner and mode: without them the next boot would not take it for one of the store. */
    else if (fcntl(fd, F_SETLEASE, F_UNLCK) || fsync(fd))
        fail(out, STEP_STAGED, "%s", name);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    give_back(staging, taken, name);
    return -1;
}

/* The link for people. The rename makes it whole at every moment. */
static int link_view(int modules, const char *layer, const char *digest_hex, struct outcome *out)
{
    char bytes[128], view[192], temporary[192];
    snprintf(bytes, sizeof bytes, "sha256/%s.squashfs", digest_hex);
    snprintf(view, sizeof view, "%s.squashfs", layer);
    snprintf(temporary, sizeof temporary, ".%s.link", layer);
    unlinkat(modules, temporary, 0);
    if (linkat(modules, bytes, modules, temporary, 0) || renameat(modules, temporary, modules, view) ||
        (unlinkat(modules, temporary, 0) && errno != ENOENT)) /* rename of two links to one file leaves both */
        return fail(out, STEP_STORE, "%s", view);
    return 0;
}

struct folders {
    int modules, staging;
    int taken; /* modules/.taken: of root alone */
};

/* The bytes that the name is to point to, in the store; a descriptor of them, or -1. */
static int bytes_stored(const struct broker *broker, const struct publish_request *request,
                        const struct folders *folders, const char *staged, uint64_t *size, struct outcome *out)
{
    char digest_hex[HEX32];
    hex(request->digest.bytes, 32, digest_hex);
    int is_there = request->flags & FLAG_STORED;
    int fd = is_there ? layer_open(broker, digest_hex, out)
                      : take_over(broker, folders->staging, folders->taken, staged, out);
    if (fd < 0)
        return -1;
    if (!layer_check_digest(broker, fd, &request->digest, size, out) &&
        (is_there || !store_bytes(broker, folders->modules, fd, &request->digest, out)))
        return fd;
    if (!is_there)
        give_back(folders->staging, folders->taken, staged);
    close(fd);
    return -1;
}

static int publish_locked(const struct broker *broker, const struct publish_request *request,
                          const struct folders *folders, struct outcome *out)
{
    char staged[160], staged_json[160], sidecar[160], digest_hex[HEX32];
    hex(request->digest.bytes, 32, digest_hex);
    snprintf(staged, sizeof staged, "%s.squashfs", request->staged);
    snprintf(staged_json, sizeof staged_json, "%s.json", request->staged);
    snprintf(sidecar, sizeof sidecar, "%s.json", request->layer);

    char *text = read_sidecar(folders->staging, staged_json);
    errno = 0;
    char *before = text ? read_sidecar(folders->modules, sidecar) : NULL;
    int is_unreadable = !before && errno && errno != ENOENT;
    int bad = 0, fd = -1;
    uint64_t size = 0;
    /* A publisher that was killed may have left it there. */
    give_back(folders->staging, folders->taken, staged);
    if (!text || strlen(text) != request->sidecar_bytes || !strstr(text, digest_hex))
        bad = fail_with(out, EINVAL, STEP_SIDECAR, "%s does not describe these bytes", staged_json);
    else if (is_unreadable)
        bad = fail_with(out, EIO, STEP_STORE, "%s cannot be read", sidecar);
    else if (before && !strstr(before, digest_hex) && !(request->flags & FLAG_REPLACE))
        bad = fail_with(out, EEXIST, STEP_STORE, "%s", request->layer);
    else if ((fd = bytes_stored(broker, request, folders, staged, &size, out)) < 0)
        bad = -1;
    else if (write_file_durably(folders->modules, sidecar, text, strlen(text), 0440, broker->daemon_gid))
        bad = fail(out, STEP_SIDECAR, "%s", sidecar);
    else
        bad = link_view(folders->modules, request->layer, digest_hex, out);
    if (!bad) {
        unlinkat(folders->taken, staged, 0);
        unlinkat(folders->staging, staged_json, 0);
        bad = store_stamp(broker, digest_hex, out) || fsync(folders->modules);
        answer(out, &size, sizeof size);
    }
    if (fd >= 0) {
        if (bad && !(request->flags & FLAG_STORED))
            give_back(folders->staging, folders->taken, staged);
        close(fd);
    }
    free(text);
    free(before);
    return bad ? -1 : 0;
}

int layer_publish(const struct broker *broker, const struct publish_request *request, struct outcome *out)
{
    struct folders folders = {
        .modules = open_beneath(broker->data, "modules", O_RDONLY | O_DIRECTORY, 0),
        .staging = open_same_mount(broker->data, "staging", O_RDONLY | O_DIRECTORY),
        .taken = -1,
    };
    int lock = store_lock(broker, 1);
    int bad = -1;
    if (folders.modules >= 0 && lock >= 0 && !ensure_folder(folders.modules, ".taken", 0700, 0, 0))
        folders.taken = open_beneath(folders.modules, ".taken", O_RDONLY | O_DIRECTORY, 0);
    if (folders.staging < 0 || folders.taken < 0)
        fail(out, STEP_STORE, "modules and staging");
    else
        bad = publish_locked(broker, request, &folders, out);
    const int descriptors[] = { lock, folders.staging, folders.taken, folders.modules };
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    return bad;
}
