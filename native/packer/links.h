/* Which files of the tar are the same file. */
#pragma once
#include <sys/stat.h>

/*
 * The path under which this file was sent before; NULL when it was not, and is remembered. Returns 0, or -1 when memory
 * is used up: a link that comes back as a copy would be a change that nobody told of.
 */
int links_find(const struct stat *stat, const char *path, const char **earlier);
