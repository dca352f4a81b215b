/* What a file has beside its content: extended attributes, times, and what of that is lost. */
#pragma once
#include "tar/entry.h"

#include <stdbool.h>

/* The attributes of one file, for tar_entry.add_attributes. */
struct attributes {
    int folder; /* that holds it; it is looked at by name, and no link is followed */
    const char *name;
    bool is_opaque;     /* a folder that hides what lies below */
    bool has_whiteouts; /* a folder that may hold some */
};

/* Adds them to the PAX header of the entry, whose context is a struct attributes; counts what cannot be held. */
void add_attributes(const struct tar_entry *entry);
/* Counts what of the root folder, which has no member in a tar, cannot be held. */
void count_root_losses(int folder, const struct stat *stat);
/* Whether a folder is marked as opaque by overlayfs; -1 with errno when it cannot be told. */
int is_opaque(int folder);
/* Counts what of the times is lost. */
void count_times(const struct stat *stat);
/* Seconds since 1970 as squashfs can hold them: an unsigned number of 32 bits. */
unsigned time_in_image(const struct stat *stat);
