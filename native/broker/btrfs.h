/* The few requests that a pool of subvolumes needs (linux/btrfs.h). Each returns 0, or -1 with errno. */
#pragma once
#include <stdint.h>

int is_btrfs(int fd);
/* Counts what each subvolume refers to, from now on and for the whole file system; nothing when it does already. */
int btrfs_count(int folder);
int btrfs_make(int folder, const char *name);
/* A writable copy of an open subvolume: shared until the one or the other is changed. */
int btrfs_clone(int source, int folder, const char *name);
/* Removes the subvolume; its space comes back in the background. */
int btrfs_remove(int folder, const char *name);
/* Bytes that an open subvolume may refer to: more gives EDQUOT. */
int btrfs_limit(int subvolume, uint64_t bytes);
int btrfs_usage(int subvolume, uint64_t *used_bytes, uint64_t *limit_bytes);
