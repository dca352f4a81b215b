#pragma once
#include <sys/stat.h>

/* Starts mksquashfs, which makes the image of the tar that is written to its input. The root folder has no member in a tar. */
int mksquashfs_start(const char *image, const struct stat *root);
int mksquashfs_input(void);
/* Ends its input and waits for it. Any word of it is a failure: it leaves things out with a warning and exit code 0. */
int mksquashfs_finish(void);
