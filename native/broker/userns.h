#pragma once
#include "outcome.h"

/* A user namespace that maps 0…65535 inside to first…first+65535 outside; returns its descriptor or -1. */
int userns_make(uint32_t first, struct outcome *out);
