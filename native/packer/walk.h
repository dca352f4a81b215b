#pragma once
#include <stddef.h>

/* Sends the union of the folders, the first one on top, as the members of a tar. Returns 0, or -1 after fail(). */
int walk(const int *roots, size_t count);
