/* Opening paths in a tree whose content is hostile: nothing resolves to outside of `root`, whatever the links say. */
#pragma once
#include <limits.h>
#include <sys/types.h>

/* openat2(2) with RESOLVE_IN_ROOT and without magic links; close-on-exec. */
int open_in_root(int root, const char *path, int flags);

/*
 * Opens the folder that holds the last name of `path` (O_PATH) and copies that name.
 * EINVAL when there is no such name: an empty path, one that ends with '/', '.' or '..'.
 */
int open_parent_in_root(int root, const char *path, char name[NAME_MAX + 1]);

/* Opens a folder (O_PATH), which is made, with its parents, when missing; 0755. */
int make_folders_in_root(int root, const char *path);
