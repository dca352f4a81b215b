/* The content of a regular file. Each returns 0, or -1: after fail(), or because mksquashfs has stopped reading. */
#pragma once
#include "tar/entry.h"

/* Refuses what would take hours to pack: holes are packed as zeros. Counts over the whole tree. */
int file_check_size(const struct stat *stat, const char *path);
int file_send(int file, const struct tar_entry *entry);
