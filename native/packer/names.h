/* The names in one folder of the union, sorted: the same tree gives the same tar, whatever order a file system lists it in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct name {
    const char *text;
    unsigned root; /* the topmost folder that has it, as an index into the level's */
};

struct names {
    struct name *list;
    size_t count;
    bool has_whiteouts; /* or other character devices, or sockets, whose place whiteouts take */
    char **blocks;      /* of text */
    size_t block_count;
    size_t block_filled;
};

/* Reads the folders, the first one on top. Returns 0, or -1 with errno; names_free() either way. */
int names_read(struct names *names, const int *folders, unsigned count);
void names_free(struct names *names);
