/*
 * The union of several folders, as overlayfs stacks them, with the marks that make it lie on other layers as the folders
 * did: a whiteout stays a whiteout, and a folder that hid what lay below is opaque.
 */
#include "packer/walk.h"

#include "packer/attributes.h"
#include "packer/file.h"
#include "packer/links.h"
#include "packer/names.h"
#include "packer/owners.h"
#include "packer/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* One folder of the union. */
struct level {
    struct level *parent;
    size_t path_length; /* of the path up to here, with its slash */
    struct names names;
    size_t next;
    unsigned count;
    int folders[]; /* that it is made of, the topmost first */
};

/* Where sending fails, mksquashfs has stopped reading: its own words say why, and nothing is noted here. */

/* The longest path that the kernel takes in a system call, and so the longest that mksquashfs keeps. */
static char path[PATH_MAX];

static int is_whiteout(const struct stat *stat)
{
    return S_ISCHR(stat->st_mode) && stat->st_rdev == makedev(0, 0);
}

static struct level *make_level(struct level *parent, size_t path_length, unsigned room)
{
    struct level *level = malloc(sizeof *level + room * sizeof *level->folders);
    if (level)
        *level = (struct level){ .parent = parent, .path_length = path_length };
    return level;
}

static struct level *leave(struct level *level)
{
    struct level *parent = level->parent;
    for (unsigned i = 0; i < level->count && parent; i++)
        close(level->folders[i]);
    names_free(&level->names);
    free(level);
    return parent;
}

/* Opens what this folder has under the name, when that is a folder. Returns 0, or -1 with errno. */
static int add_folder(struct level *inner, int folder, const char *name, bool *hides)
{
    struct stat stat;
    if (fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -1;
    if (!S_ISDIR(stat.st_mode)) {
        *hides = true;
        return 0;
    }
    int opened = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0)
        return -1;
    inner->folders[inner->count++] = opened;
    int opaque = is_opaque(opened);
    *hides = opaque > 0;
    return opaque < 0 ? -1 : 0;
}

/*
 * The folders of this name from its topmost on, down to the first that hides what lies below it: one that is opaque, or
 * something else in its place. Tells whether there was such a one. Returns NULL after fail().
 */
static struct level *enter(struct level *level, const struct name *name, bool *hides)
{
    struct level *inner = make_level(level, level->path_length + strlen(name->text) + 1, level->count);
    if (!inner)
        return fail(ENOMEM, "%s", path), NULL;
    *hides = false;
    for (unsigned i = name->root; i < level->count && !*hides; i++)
        if (add_folder(inner, level->folders[i], name->text, hides))
            return fail(errno, "%s", path), NULL;
    return inner;
}

static int send_header(struct tar_entry *entry, const struct attributes *attributes)
{
    if (owners_note(&entry->stat, path))
        return -1;
    entry->add_attributes = add_attributes;
    entry->context = (void *)attributes;
    count_times(&entry->stat);
    entry->stat.st_mtime = time_in_image(&entry->stat);
    int error = send_tar_header(entry);
    if (error == E2BIG)
        return fail(E2BIG, "attributes of %s", path);
    /* Attributes that could not be read were noted while the header was made. */
    return error || report.error ? -1 : 0;
}

static int send_symlink(int folder, const char *name, struct tar_entry *entry, const struct attributes *attributes)
{
    static char target[PATH_MAX];
    ssize_t n = readlinkat(folder, name, target, sizeof target - 1);
    if (n < 0)
        return fail(errno, "%s", path);
    target[n] = 0;
    entry->link = target;
    return send_header(entry, attributes);
}

/* Kernel: whiteouts of one upper are links to one inode, which is nobody's business, as are its owner and its time. */
static int send_whiteout(struct tar_entry *entry)
{
    entry->stat = (struct stat){ .st_mode = S_IFCHR };
    return send_tar_header(entry) ? -1 : 0;
}

static int send_other(int folder, const char *name, struct tar_entry *entry)
{
    struct attributes attributes = { .folder = folder, .name = name };
    if (is_whiteout(&entry->stat))
        return send_whiteout(entry);
    if (S_ISSOCK(entry->stat.st_mode)) {
        report.lost[LOST_SOCKETS]++;
        /* Left out without a trace, it would uncover what it hid in the layers below. */
        return send_whiteout(entry);
    }
    if (entry->stat.st_nlink > 1) {
        if (links_find(&entry->stat, path, &entry->link))
            return fail(ENOMEM, "links");
        if (entry->link) {
            entry->hard_link = true;
            entry->stat.st_size = 0;
            return send_tar_header(entry) ? -1 : 0;
        }
    }
    if (S_ISLNK(entry->stat.st_mode))
        return send_symlink(folder, name, entry, &attributes);
    if (!S_ISREG(entry->stat.st_mode))
        return send_header(entry, &attributes);
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return fail(errno, "%s", path);
    int bad = file_check_size(&entry->stat, path) || send_header(entry, &attributes) || file_send(file, entry);
    close(file);
    return bad;
}

/* Sends the next entry of a level; returns the level to go on with, NULL after the last one or after fail(). */
static struct level *send_next(struct level *level)
{
    if (level->next == level->names.count)
        return leave(level);
    const struct name *name = &level->names.list[level->next++];
    struct tar_entry entry = { .path = path };
    size_t length = strlen(name->text);
    int folder = level->folders[name->root];
    if (level->path_length + length + 1 > sizeof path) {
        return fail(ENAMETOOLONG, "more than %d bytes: %.24s... in %.160s", PATH_MAX - 1, name->text, path), NULL;
    }
    memcpy(path + level->path_length, name->text, length + 1);
    if (fstatat(folder, name->text, &entry.stat, AT_SYMLINK_NOFOLLOW))
        return fail(errno, "%s", path), NULL;
    if (!S_ISDIR(entry.stat.st_mode))
        return send_other(folder, name->text, &entry) ? NULL : level;

    struct attributes attributes = { .folder = folder, .name = name->text };
    struct level *inner = enter(level, name, &attributes.is_opaque);
    if (!inner)
        return NULL;
    if (names_read(&inner->names, inner->folders, inner->count))
        return fail(errno, "%s", path), NULL;
    attributes.has_whiteouts = inner->names.has_whiteouts;
    if (send_header(&entry, &attributes))
        return NULL;
    path[inner->path_length - 1] = '/';
    return inner;
}

int walk(const int *roots, size_t count)
{
    struct level *level = make_level(NULL, 0, (unsigned)count);
    if (!level)
        return fail(ENOMEM, "folders");
    for (size_t i = 0; i < count; i++)
        level->folders[level->count++] = roots[i];
    if (names_read(&level->names, level->folders, level->count))
        return fail(errno, "/");
    while (level)
        level = send_next(level);
    return report.error ? -1 : 0;
}
