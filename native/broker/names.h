/* Names and numbers as they come from the daemon: checked here whatever the daemon did. */
#pragma once
#include "wire.h"

#include <stddef.h>

#define HEX8 17  /* 16 digits and the NUL */
#define HEX32 65 /* 64 digits and the NUL */

void hex(const uint8_t *bytes, size_t count, char *out);
/* Parses exactly 2 × count lower-case digits at the start of text; returns 0, or -1 when they are not there. */
int unhex(const char *text, uint8_t *bytes, size_t count);

/* Whether a char[width] field is NUL-terminated and NUL to its end. */
int name_is_padded(const char *field, size_t width);
int staged_name_is_valid(const char *name);
int layer_name_is_valid(const char *name);
int hostname_is_valid(const char *name);
