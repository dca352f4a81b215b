/* The header of one member of a tar. */
#pragma once
#include "tar/format.h"

#include <stdbool.h>
#include <sys/stat.h>

struct tar_entry {
    const char *path; /* a folder's ends with '/' */
    const char *link; /* of a symlink its target, of a hard link the earlier member */
    bool hard_link;
    struct stat stat;
    /* Adds records to the PAX header (tar/records.h), or NULL. */
    void (*add_attributes)(const struct tar_entry *entry);
    void *context; /* of add_attributes */
};

/* Sends it, behind a PAX header where ustar's fields are too small. Returns 0, SINK_LOST, or E2BIG. */
int send_tar_header(const struct tar_entry *entry);
