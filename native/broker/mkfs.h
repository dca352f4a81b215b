#pragma once
#include "outcome.h"

/* Makes an ext4 file system in the open image, by e2fsprogs' own program. */
int make_ext4(int image, struct outcome *out);
