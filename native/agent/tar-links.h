/* Which files of a tar are the same file. */
#pragma once
#include <sys/stat.h>

/*
 * The path under which this file was seen before, or NULL and it is remembered. When the table is full, later links
 * become files of their own.
 */
const char *earlier_link(const struct stat *stat, const char *path);
