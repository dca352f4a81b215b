/* How many users and groups own something. */
#pragma once
#include <sys/stat.h>

/* Returns 0, or -1 after fail() when an image cannot hold one more. */
int owners_note(const struct stat *stat, const char *path);
