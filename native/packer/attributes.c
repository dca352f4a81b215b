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

static bool is_kept(const char *name)
{
    if (!strncmp(name, ESCAPED, sizeof ESCAPED - 1))
        return true;
    if (!strncmp(name, OVERLAY, sizeof OVERLAY - 1))
        return false;
    return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability");
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

static void add_all(const struct tar_entry *entry, const char *file)
{
    static char names[XATTR_LIST_MAX];
    bool has_acl = false, has_other = false;
    ssize_t length = llistxattr(file, names, sizeof names);
    if (length < 0 && errno != ENOTSUP)
        fail(errno, "attributes of %.200s", entry->path);
    for (const char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
        /* A '=' ends the name in a tar. */
        if (is_kept(name) && !strchr(name, '='))
            add_one(file, name);
        else if (!strncmp(name, "system.posix_acl_", 17))
            has_acl = true;
        else if (is_kept(name) || strncmp(name, OVERLAY, sizeof OVERLAY - 1))
            has_other = true;
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
        add_all(entry, attributes->name);
    if (attributes->is_opaque)
        records_add("SCHILY.xattr." OPAQUE, "y", 1);
}
