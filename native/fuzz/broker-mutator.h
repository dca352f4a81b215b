/* Sessions for the broker: valid ones, and valid ones with something wrong in them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The length of the frame at the start, when its header can be right and it is whole; else everything. */
size_t frame_length(const uint8_t *bytes, size_t length);
