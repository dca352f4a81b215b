#include "packer/attributes.h"

#include "packer/pack.h"
#include "tar/records.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OVERLAY "user.overlay."
/* Kernel: what a sandbox itself names user.overlay.x stands in the upper as user.overlay.overlay.x (overlayfs.rst, nesting). */
#define ESCAPED OVERLAY "overlay."
#define OPAQUE OVERLAY "opaque"
#define ORIGIN OVERLAY "origin"

unsigned time_in_image(const struct stat *stat)
{
    long long seconds = stat->st_mtime;
    return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (unsigned)seconds;
}

void count_times(const struct stat *stat)
{
    if (stat->st_mtime < 0 || stat->st_mtime > (long long)UINT32_MAX)
        report.lost[LOST_TIMES]++;
    else if (stat->st_mtim.tv_nsec)
        report.lost[LOST_SUBSECOND_TIMES]++;
}

int is_opaque(int folder)
{
    char value[2];
    ssize_t n = fgetxattr(folder, OPAQUE, value, sizeof value);
    /* "x" marks a folder that holds whiteouts in another form, which no kernel makes in an upper. */
    if (n >= 0)
        return n == 1 && value[0] == 'y';
    return errno == ENODATA || errno == ENOTSUP ? 0 : -1;
}

enum kind { KEPT, OF_OVERLAYFS, ACCESS_LIST, OTHER };

static enum kind kind_of(const char *name)
{
    if (strncmp(name, ESCAPED, sizeof ESCAPED - 1) && !strncmp(name, OVERLAY, sizeof OVERLAY - 1))
        return OF_OVERLAYFS;
    if (!strncmp(name, "system.posix_acl_", 17))
        return ACCESS_LIST;
    /* A '=' ends the name in a tar. */
    return (!strncmp(name, "user.", 5) || !strcmp(name, "security.capability")) && !strchr(name, '=') ? KEPT : OTHER;
}

static void add_one(const char *file, const char *name)
{
    static char value[XATTR_SIZE_MAX + 1];
    char key[16 + XATTR_NAME_MAX];
    ssize_t length = lgetxattr(file, name, value, sizeof value);
    if (length < 0) {
        fail(errno, "attribute %.60s", name);
        return;
    }
    snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
    records_add(key, value, (size_t)length);
}

/* Of a file in the working directory. `has_member`: what can be kept is added to its member, and lost otherwise. */
static void look_at(const char *file, const char *path, bool has_member)
{
    static char names[XATTR_LIST_MAX];
    bool has_acl = false, has_other = false;
    ssize_t length = llistxattr(file, names, sizeof names);
    if (length < 0 && errno != ENOTSUP)
        fail(errno, "attributes of %.200s", path);
    for (const char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        enum kind kind = kind_of(name);
        if (kind == KEPT && has_member)
            add_one(file, name);
        has_acl |= kind == ACCESS_LIST;
        has_other |= kind == OTHER || (kind == KEPT && !has_member);
    }
    report.lost[LOST_ACCESS_LISTS] += has_acl;
    report.lost[LOST_ATTRIBUTES] += has_other;
}

void add_attributes(const struct tar_entry *entry)
{
    const struct attributes *attributes = entry->context;
    /* By name from the folder: a FIFO cannot be opened, and lgetxattr has no form with a folder before Linux 6.13. */
    if (fchdir(attributes->folder))
        fail(errno, "%.200s", entry->path);
    else if (!S_ISLNK(entry->stat.st_mode))
        look_at(attributes->name, entry->path, true);
    if (attributes->is_opaque)
        records_add("SCHILY.xattr." OPAQUE, "y", 1);
    /* Kernel: a folder that no other layer has is listed as it is, whiteouts too, unless it says that it was copied up. */
    if (attributes->has_whiteouts)
        records_add("SCHILY.xattr." ORIGIN, "", 0);
}

void count_root_losses(int folder, const struct stat *stat)
{
    count_times(stat);
    if (fchdir(folder))
        fail(errno, "/");
    else
        look_at(".", "/", false);
}
