#include "packer/links.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    dev_t device;
    ino_t inode;
    char path[];
};

static void *tree;

static int compare(const void *a, const void *b)
{
    const struct seen *left = a, *right = b;
    if (left->device != right->device)
        return left->device < right->device ? -1 : 1;
    return left->inode < right->inode ? -1 : left->inode > right->inode;
}

int links_find(const struct stat *stat, const char *path, const char **earlier)
{
    size_t length = strlen(path) + 1;
    struct seen *seen = malloc(sizeof *seen + length);
    if (!seen)
        return -1;
    *seen = (struct seen){ .device = stat->st_dev, .inode = stat->st_ino };
    memcpy(seen->path, path, length);
    struct seen **place = tsearch(seen, &tree, compare);
    *earlier = NULL;
    if (place && *place != seen) {
        *earlier = (*place)->path;
        free(seen);
    }
    return place ? 0 : -1;
}
