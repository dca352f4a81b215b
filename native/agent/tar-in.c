#include "agent/tar-in.h"

#include "agent/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void tar_in_begin(struct tar_in *tar, int folder, uid_t uid, gid_t gid)
{
    tar->folder = folder;
    tar->uid = uid;
    tar->gid = gid;
    tar->ended = false;
    tar->have = 0;
    tar->body = BODY_NONE;
    tar->body_left = tar->padding_left = 0;
    tar->member.parent = tar->member.file = -1;
    tar->problem = NULL;
    pax_clear(&tar->pax);
}

static int refuse(struct tar_in *tar, const char *problem)
{
    tar->problem = problem;
    return EINVAL;
}

/* Octal digits between spaces and NULs, or GNU's base-256: first bit set, then a big-endian number. */
static bool parse_number(const char *field, size_t width, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    if ((uint8_t)field[0] == 0x80) {
        for (i = 1; i < width; i++) {
            if (*value >> 55)
                return false;
            *value = *value << 8 | (uint8_t)field[i];
        }
        return true;
    }
    while (i < width && field[i] == ' ')
        i++;
    for (; i < width && field[i] >= '0' && field[i] <= '7'; i++)
        *value = *value << 3 | (uint64_t)(field[i] - '0');
    for (; i < width; i++)
        if (field[i] != ' ' && field[i] != '\0')
            return false;
    return true;
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static bool member_path(struct tar_in *tar, const struct tar_header *header)
{
    char joined[sizeof header->prefix + 1 + sizeof header->name];
    size_t prefix = 0;
    if (tar->pax.has_path)
        return clean_member_path(tar->member.path, tar->pax.path, strlen(tar->pax.path));
    /* Only POSIX's magic has a prefix: GNU's ("ustar  ") keeps times there. */
    if (!memcmp(header->magic, "ustar", 6) && header->prefix[0]) {
        prefix = strnlen(header->prefix, sizeof header->prefix);
        memcpy(joined, header->prefix, prefix);
        joined[prefix++] = '/';
    }
    size_t length = strnlen(header->name, sizeof header->name);
    memcpy(joined + prefix, header->name, length);
    return clean_member_path(tar->member.path, joined, prefix + length);
}

static bool member_link(struct tar_in *tar, const struct tar_header *header)
{
    const char *link = tar->pax.has_link ? tar->pax.link : header->link;
    size_t length = strnlen(link, tar->pax.has_link ? sizeof tar->pax.link : sizeof header->link);
    if (header->type == TAR_HARD_LINK)
        return clean_member_path(tar->member.link, link, length) && tar->member.link[0];
    memcpy(tar->member.link, link, length);
    tar->member.link[length] = 0;
    return header->type != TAR_SYMLINK || length;
}

static const char *parse_attributes(struct tar_in *tar, const struct tar_header *header)
{
    uint64_t mode, uid, gid, mtime, device_major, device_minor;
    struct tar_member *member = &tar->member;
    if (!parse_number(header->mode, sizeof header->mode, &mode) ||
        !parse_number(header->uid, sizeof header->uid, &uid) || !parse_number(header->gid, sizeof header->gid, &gid) ||
        !parse_number(header->mtime, sizeof header->mtime, &mtime) ||
        !parse_number(header->major, sizeof header->major, &device_major) ||
        !parse_number(header->minor, sizeof header->minor, &device_minor))
        return "a header whose numbers cannot be read";
    member->mode = mode & 07777;
    uid = tar->pax.has_uid ? tar->pax.uid : uid;
    gid = tar->pax.has_gid ? tar->pax.gid : gid;
    if (uid >= SAME_OWNER || gid >= SAME_OWNER)
        return "an owner that cannot be one";
    member->uid = tar->uid == SAME_OWNER ? (uid_t)uid : tar->uid;
    member->gid = tar->gid == SAME_OWNER ? (gid_t)gid : tar->gid;
    member->device = makedev((unsigned)device_major, (unsigned)device_minor);
    member->mtime = tar->pax.has_mtime
                        ? (struct timespec){ .tv_sec = tar->pax.mtime_seconds, .tv_nsec = tar->pax.mtime_nanoseconds }
                        : (struct timespec){ .tv_sec = (time_t)(mtime & INT64_MAX) };
    return NULL;
}

static int begin_file_system_member(struct tar_in *tar, const struct tar_header *header, uint64_t size)
{
    struct tar_member *member = &tar->member;
    member->type = header->type;
    if (!member_path(tar, header))
        return refuse(tar, "a name with '..' in it, or too long");
    if (!member_link(tar, header))
        return refuse(tar, "a link that cannot be one");
    const char *problem = parse_attributes(tar, header);
    if (problem)
        return refuse(tar, problem);
    /* An old tar's folder is a file whose name ends with '/'. */
    const char *name = tar->pax.has_path ? tar->pax.path : header->name;
    size_t length = strnlen(name, tar->pax.has_path ? PATH_MAX : sizeof header->name);
    bool file = header->type == TAR_FILE || header->type == TAR_FILE_OLD || header->type == TAR_CONTIGUOUS_FILE;
    if (file && length && name[length - 1] == '/')
        member->type = TAR_FOLDER;
    pax_clear(&tar->pax);
    tar->body = size ? BODY_SKIP : BODY_NONE;
    /* The folder itself is the caller's: its attributes stay. */
    if (!member->path[0])
        return member->type == TAR_FOLDER ? 0 : refuse(tar, "a member without a name");
    int error = member_begin(tar->folder, member);
    if (error || member->file < 0)
        return error;
    tar->body = BODY_FILE;
    return size ? 0 : member_finish(member);
}

static int begin_member(struct tar_in *tar)
{
    struct tar_header header;
    uint64_t checksum, size;
    memcpy(&header, tar->block, sizeof header);
    if (is_zero(tar->block)) {
        tar->ended = true;
        return 0;
    }
    if (!parse_number(header.checksum, sizeof header.checksum, &checksum) || checksum != tar_checksum(&header))
        return refuse(tar, "a header whose checksum is wrong");
    if (!parse_number(header.size, sizeof header.size, &size))
        return refuse(tar, "a header whose size cannot be read");
    if (tar->pax.has_size && header.type != TAR_PAX && header.type != TAR_GNU_LONG_NAME &&
        header.type != TAR_GNU_LONG_LINK)
        size = tar->pax.size;
    if (size > INT64_MAX)
        return refuse(tar, "a member larger than any file");
    /* Some tars give a link the size of what it points to, and none gives it content. */
    if (header.type == TAR_HARD_LINK || header.type == TAR_SYMLINK)
        size = 0;
    int error = 0;
    switch (header.type) {
    case TAR_PAX:
    case TAR_GNU_LONG_NAME:
    case TAR_GNU_LONG_LINK:
        if (size > PAX_BYTES_MAX || size == 0)
            return refuse(tar, "an extended header of a size that cannot be");
        tar->pax.length = 0;
        tar->body = header.type == TAR_PAX             ? BODY_PAX
                    : header.type == TAR_GNU_LONG_NAME ? BODY_LONG_NAME
                                                       : BODY_LONG_LINK;
        break;
    case TAR_PAX_GLOBAL:
        tar->body = BODY_SKIP;
        break;
    case TAR_FILE_OLD:
    case TAR_FILE:
    case TAR_CONTIGUOUS_FILE:
        error = begin_file_system_member(tar, &header, size);
        break;
    case TAR_HARD_LINK:
    case TAR_SYMLINK:
    case TAR_CHARACTER_DEVICE:
    case TAR_BLOCK_DEVICE:
    case TAR_FOLDER:
    case TAR_FIFO:
        error = begin_file_system_member(tar, &header, size);
        break;
    default:
        return refuse(tar, "a member of a kind that is not supported");
    }
    tar->body_left = size;
    tar->padding_left = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    return error;
}

static int write_body(struct tar_in *tar, const uint8_t *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(tar->member.file, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int end_body(struct tar_in *tar)
{
    enum tar_body body = tar->body;
    const char *problem = NULL;
    tar->body = BODY_NONE;
    if (body == BODY_FILE)
        return member_finish(&tar->member);
    if (body == BODY_PAX)
        problem = pax_parse(&tar->pax);
    else if (body == BODY_LONG_NAME || body == BODY_LONG_LINK)
        problem = pax_take_long_name(&tar->pax, body == BODY_LONG_LINK);
    return problem ? refuse(tar, problem) : 0;
}

static int take_body(struct tar_in *tar, const uint8_t *bytes, size_t length)
{
    int error = 0;
    if (tar->body == BODY_FILE) {
        error = write_body(tar, bytes, length);
    } else if (tar->body != BODY_SKIP) {
        memcpy(tar->pax.bytes + tar->pax.length, bytes, length);
        tar->pax.length += length;
    }
    tar->body_left -= length;
    return error || tar->body_left ? error : end_body(tar);
}

static size_t smaller(size_t a, uint64_t b)
{
    return a < b ? a : (size_t)b;
}

int tar_in_feed(struct tar_in *tar, const uint8_t *bytes, size_t length)
{
    while (length && !tar->ended) {
        size_t piece;
        int error = 0;
        if (tar->body_left) {
            piece = smaller(length, tar->body_left);
            error = take_body(tar, bytes, piece);
        } else if (tar->padding_left) {
            piece = smaller(length, tar->padding_left);
            tar->padding_left -= piece;
        } else {
            piece = smaller(length, TAR_BLOCK - tar->have);
            memcpy(tar->block + tar->have, bytes, piece);
            tar->have += piece;
            if (tar->have == TAR_BLOCK) {
                tar->have = 0;
                error = begin_member(tar);
            }
        }
        if (error)
            return error;
        bytes += piece;
        length -= piece;
    }
    return 0;
}

int tar_in_end(struct tar_in *tar)
{
    bool cut =
        !tar->ended && (tar->have || tar->body_left || tar->padding_left || tar->pax.has_path || tar->pax.has_link);
    member_abandon(&tar->member);
    return cut ? refuse(tar, "it ends in the middle of a member") : 0;
}
