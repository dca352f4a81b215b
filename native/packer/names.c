#include "packer/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES (64u << 10)

static const char *keep_text(struct names *names, const char *text)
{
    size_t length = strlen(text) + 1;
    if (!names->block_count || length > BLOCK_BYTES - names->block_filled) {
        char **blocks = realloc(names->blocks, (names->block_count + 1) * sizeof *blocks);
        if (!blocks)
            return NULL;
        names->blocks = blocks;
        if (!(blocks[names->block_count] = malloc(BLOCK_BYTES)))
            return NULL;
        names->block_count++;
        names->block_filled = 0;
    }
    char *kept = names->blocks[names->block_count - 1] + names->block_filled;
    names->block_filled += length;
    return memcpy(kept, text, length);
}

static int add(struct names *names, const char *text, unsigned root)
{
    /* The list doubles at each power of two. */
    if (!(names->count & (names->count - 1))) {
        struct name *list = realloc(names->list, (names->count ? 2 * names->count : 1) * sizeof *list);
        if (!list)
            return -1;
        names->list = list;
    }
    const char *kept = keep_text(names, text);
    if (!kept)
        return -1;
    names->list[names->count++] = (struct name){ kept, root };
    return 0;
}

static int read_one(struct names *names, int folder, unsigned root)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = own < 0 ? NULL : fdopendir(own);
    if (!entries)
        return -1;
    int bad = 0;
    errno = 0;
    for (struct dirent *entry; !bad && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            bad = add(names, entry->d_name, root);
        names->has_whiteouts |= entry->d_type == DT_CHR || entry->d_type == DT_SOCK || entry->d_type == DT_UNKNOWN;
        errno = bad ? errno : 0;
    }
    int error = errno;
    closedir(entries);
    errno = error;
    return bad || error ? -1 : 0;
}

static int compare(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    int order = strcmp(left->text, right->text);
    return order ? order : left->root < right->root ? -1 : 1;
}

int names_read(struct names *names, const int *folders, unsigned count)
{
    *names = (struct names){ 0 };
    for (unsigned i = 0; i < count; i++)
        if (read_one(names, folders[i], i))
            return -1;
    if (names->count)
        qsort(names->list, names->count, sizeof *names->list, compare);
    /* Of equal names the topmost is the first. */
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++)
        if (!kept || strcmp(names->list[kept - 1].text, names->list[i].text))
            names->list[kept++] = names->list[i];
    names->count = kept;
    return 0;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->block_count; i++)
        free(names->blocks[i]);
    free(names->blocks);
    free(names->list);
    *names = (struct names){ 0 };
}
