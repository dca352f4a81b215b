#pragma once
#include <sys/stat.h>

/* Gives the root folder of a finished image its mode, owner and time. Returns 0, or -1 after fail(). */
int root_inode_write(const char *image, const struct stat *root);
