/* The records of the PAX header that goes before a member: values for which ustar's fields are too small, or that have none. */
#pragma once
#include <stddef.h>

void records_clear(void);
/* A value is bytes, not text. */
void records_add(const char *key, const void *value, size_t length);
void records_add_number(const char *key, long long value);
/* NULL when there are none, or more than a header may have: then *length is not 0. */
const char *records_all(size_t *length);
