/*
 * mksquashfs 4.5 gives the root folder of what it makes from a tar to its own user and to the moment, whatever its options say:
 * two images of one tree would differ. With an inode table that is not compressed (-noI), what it wrote can be replaced.
 *
 * The layout: Documentation/filesystems/squashfs.rst, fs/squashfs/squashfs_fs.h; all numbers are little-endian.
 */
#include "packer/root-inode.h"

#include "packer/attributes.h"
#include "packer/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define STORED 0x8000u /* in the length of a metadata block: it is not compressed */
#define IDS_PER_BLOCK 2048u

struct super_block {
    uint8_t unused[26];
    uint16_t id_count;
    uint32_t version;
    uint64_t root_inode; /* metadata block from the start of the table, and 16 bits of offset in what it holds */
    uint64_t bytes_used;
    uint64_t id_table;
    uint64_t xattr_table;
    uint64_t inode_table;
};

struct inode {
    uint16_t type;
    uint16_t mode;
    uint16_t user; /* as an index into the table of ids */
    uint16_t group;
    uint32_t time;
};
_Static_assert(offsetof(struct super_block, inode_table) == 64 && sizeof(struct inode) == 12, "as on the disk");

static int get(int image, void *bytes, size_t length, uint64_t at)
{
    return pread(image, bytes, length, (off_t)at) == (ssize_t)length ? 0 : -1;
}

/* Where in the image a byte of metadata is; a record may go on in the next block. Returns 0 when it cannot be told. */
static uint64_t place(int image, uint64_t block, unsigned offset)
{
    uint16_t length;
    for (;; offset -= length & ~STORED, block += sizeof length + (length & ~STORED)) {
        if (get(image, &length, sizeof length, block) || !(length & STORED))
            return 0;
        if (offset < (length & ~STORED))
            return block + sizeof length + offset;
    }
}

/* Nothing is changed where no file of the image has this owner: an image has a table of those that it needs. */
static int find_id(int image, const struct super_block *super, uint32_t wanted, uint16_t *index)
{
    for (unsigned i = 0; i < super->id_count; i++) {
        uint64_t block;
        uint32_t id;
        if (get(image, &block, sizeof block, super->id_table + i / IDS_PER_BLOCK * sizeof block) ||
            get(image, &id, sizeof id, place(image, block, i % IDS_PER_BLOCK * sizeof id)))
            return -1;
        if (id == wanted)
            return *index = (uint16_t)i, 0;
    }
    return 1;
}

static int replace(int image, const struct stat *root)
{
    struct super_block super;
    struct inode inode;
    uint8_t *bytes = (uint8_t *)&inode;
    uint64_t places[sizeof inode];
    if (get(image, &super, sizeof super, 0))
        return -1;
    for (unsigned i = 0; i < sizeof inode; i++) {
        places[i] = place(image, super.inode_table + (super.root_inode >> 16), (super.root_inode & 0xffff) + i);
        if (!places[i] || get(image, &bytes[i], 1, places[i]))
            return -1;
    }
    int user = find_id(image, &super, root->st_uid, &inode.user);
    int group = find_id(image, &super, root->st_gid, &inode.group);
    if (user < 0 || group < 0)
        return -1;
    report.lost[LOST_ATTRIBUTES] += user || group;
    inode.mode = root->st_mode & 07777;
    inode.time = time_in_image(root);
    for (unsigned i = 0; i < sizeof inode; i++)
        if (pwrite(image, &bytes[i], 1, (off_t)places[i]) != 1)
            return -1;
    return 0;
}

int root_inode_write(const char *image, const struct stat *root)
{
    int file = open(image, O_RDWR | O_CLOEXEC);
    int bad = file < 0 || replace(file, root) ? fail(EIO, "root folder of the image") : 0;
    if (file >= 0)
        close(file);
    return bad;
}
