/*
 * Memory of a verification: device, inode, size and times of a file whose digest was found right.
 * As long as they are the same, it need not be read again. Stamps lie in modules/.stamps, root's alone.
 */
#pragma once
#include "broker.h"

/* Whether the open file is the one that was verified under this digest. */
int stamp_matches(const struct broker *broker, int fd, const char *digest_hex);
int stamp_write(const struct broker *broker, int fd, const char *digest_hex, struct outcome *out);
void stamp_remove(const struct broker *broker, const char *digest_hex);
