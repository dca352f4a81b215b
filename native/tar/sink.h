/* Where the bytes of a tar go; each program that writes one has its own. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Each returns 0, or -1 when nobody reads any more. */
int sink_put(const void *bytes, size_t length);
int sink_flush(void);

/*
 * Reads up to `most` bytes of a file straight into the stream. Returns what read() returned, or SINK_LOST when nobody
 * reads any more.
 */
#define SINK_LOST (-2)
ssize_t sink_read(int fd, size_t most);
