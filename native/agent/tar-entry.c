#include "agent/tar-entry.h"

#include "agent/sink.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Largest numbers of 7 and 11 octal digits. */
#define SMALL_MAX 07777777u
#define LARGE_MAX 077777777777ull

/* The records of one PAX header: path and link may each be as long as tar-out.c's path, numbers are short. */
static char records[2 * (128 * (NAME_MAX + 1) + 32) + 512];
static size_t records_length;

/* "<length> <key>=<value>\n", where the length counts its own digits. */
static void add_record(const char *key, const char *value)
{
    size_t bare = 1 + strlen(key) + 1 + strlen(value) + 1;
    size_t length = bare + 1;
    for (size_t tens = 10; length >= tens; tens *= 10)
        length = bare + (size_t)snprintf(NULL, 0, "%zu", length);
    records_length +=
        (size_t)snprintf(records + records_length, sizeof records - records_length, "%zu %s=%s\n", length, key, value);
}

static void add_number(const char *key, long long value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", value);
    add_record(key, digits);
}

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

static int send_records(void)
{
    static const char zeros[TAR_BLOCK];
    struct tar_header header = {
        .name = "pax", .mode = "0000644", .uid = "0000000", .gid = "0000000", .mtime = "00000000000", .type = TAR_PAX
    };
    put_octal(header.size, sizeof header.size, records_length, LARGE_MAX);
    if (send_block(&header) || sink_put(records, records_length))
        return SINK_LOST;
    return sink_put(zeros, (TAR_BLOCK - records_length % TAR_BLOCK) % TAR_BLOCK) ? SINK_LOST : 0;
}

static void add_records(const struct tar_entry *entry, unsigned long long size)
{
    records_length = 0;
    if (strlen(entry->path) > sizeof((struct tar_header *)0)->name)
        add_record("path", entry->path);
    if (entry->link && strlen(entry->link) > sizeof((struct tar_header *)0)->link)
        add_record("linkpath", entry->link);
    if (entry->stat.st_uid > SMALL_MAX)
        add_number("uid", entry->stat.st_uid);
    if (entry->stat.st_gid > SMALL_MAX)
        add_number("gid", entry->stat.st_gid);
    if (size > LARGE_MAX)
        add_number("size", (long long)size);
    if (entry->stat.st_mtime < 0 || (unsigned long long)entry->stat.st_mtime > LARGE_MAX)
        add_number("mtime", entry->stat.st_mtime);
}

int send_tar_header(const struct tar_entry *entry)
{
    struct tar_header header = { .type = type_of(entry) };
    unsigned long long size = header.type == TAR_FILE ? (unsigned long long)entry->stat.st_size : 0;
    add_records(entry, size);
    if (records_length && send_records())
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
