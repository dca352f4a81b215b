#include "tar/entry.h"

#include "tar/records.h"
#include "tar/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Largest numbers of 7 and 11 octal digits. */
#define SMALL_MAX 07777777u
#define LARGE_MAX 077777777777ull

static void put_octal(char *field, size_t width, unsigned long long value, unsigned long long max)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%0*llo", (int)width - 1, value <= max ? value : 0);
    memcpy(field, digits, width);
}

static char type_of(const struct tar_entry *entry)
{
    if (entry->hard_link)
        return TAR_HARD_LINK;
    switch (entry->stat.st_mode & S_IFMT) {
    case S_IFDIR:
        return TAR_FOLDER;
    case S_IFLNK:
        return TAR_SYMLINK;
    case S_IFIFO:
        return TAR_FIFO;
    case S_IFCHR:
        return TAR_CHARACTER_DEVICE;
    case S_IFBLK:
        return TAR_BLOCK_DEVICE;
    default:
        return TAR_FILE;
    }
}

static int send_block(struct tar_header *header)
{
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    snprintf(header->checksum, sizeof header->checksum, "%06o", tar_checksum(header));
    header->checksum[7] = ' ';
    return sink_put(header, sizeof *header) ? SINK_LOST : 0;
}

static int send_records(const char *records, size_t length)
{
    static const char zeros[TAR_BLOCK];
    struct tar_header header = {
        .name = "pax", .mode = "0000644", .uid = "0000000", .gid = "0000000", .mtime = "00000000000", .type = TAR_PAX
    };
    put_octal(header.size, sizeof header.size, length, LARGE_MAX);
    if (send_block(&header) || sink_put(records, length))
        return SINK_LOST;
    return sink_put(zeros, (TAR_BLOCK - length % TAR_BLOCK) % TAR_BLOCK) ? SINK_LOST : 0;
}

static void add_records(const struct tar_entry *entry, unsigned long long size)
{
    records_clear();
    if (strlen(entry->path) > sizeof((struct tar_header *)0)->name)
        records_add("path", entry->path, strlen(entry->path));
    if (entry->link && strlen(entry->link) > sizeof((struct tar_header *)0)->link)
        records_add("linkpath", entry->link, strlen(entry->link));
    if (entry->stat.st_uid > SMALL_MAX)
        records_add_number("uid", entry->stat.st_uid);
    if (entry->stat.st_gid > SMALL_MAX)
        records_add_number("gid", entry->stat.st_gid);
    if (size > LARGE_MAX)
        records_add_number("size", (long long)size);
    if (entry->stat.st_mtime < 0 || (unsigned long long)entry->stat.st_mtime > LARGE_MAX)
        records_add_number("mtime", entry->stat.st_mtime);
    if (entry->add_attributes)
        entry->add_attributes(entry);
}

int send_tar_header(const struct tar_entry *entry)
{
    struct tar_header header = { .type = type_of(entry) };
    unsigned long long size = header.type == TAR_FILE ? (unsigned long long)entry->stat.st_size : 0;
    size_t length;
    add_records(entry, size);
    const char *records = records_all(&length);
    if (length && !records)
        return E2BIG;
    if (records && send_records(records, length))
        return SINK_LOST;
    memcpy(header.name, entry->path, strnlen(entry->path, sizeof header.name));
    if (entry->link)
        memcpy(header.link, entry->link, strnlen(entry->link, sizeof header.link));
    put_octal(header.mode, sizeof header.mode, entry->stat.st_mode & 07777, SMALL_MAX);
    put_octal(header.uid, sizeof header.uid, entry->stat.st_uid, SMALL_MAX);
    put_octal(header.gid, sizeof header.gid, entry->stat.st_gid, SMALL_MAX);
    put_octal(header.size, sizeof header.size, size, LARGE_MAX);
    put_octal(header.mtime, sizeof header.mtime, (unsigned long long)entry->stat.st_mtime, LARGE_MAX);
    if (header.type == TAR_CHARACTER_DEVICE || header.type == TAR_BLOCK_DEVICE) {
        put_octal(header.major, sizeof header.major, major(entry->stat.st_rdev), SMALL_MAX);
        put_octal(header.minor, sizeof header.minor, minor(entry->stat.st_rdev), SMALL_MAX);
    }
    return send_block(&header);
}
