/* Opening paths that a less privileged program may have prepared. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Opens below a folder; a symlink or a `..` anywhere in the path is refused (openat2 RESOLVE_BENEATH). */
int open_beneath(int folder, const char *path, int flags, mode_t mode);

/* The same, and not across a mount: a user may have mounted a file system of its own (FUSE) on what it may write to. */
int open_same_mount(int folder, const char *path, int flags);

/* As above, for a root file system whose content is hostile: `..` and absolute links stay inside, links are refused. */
int open_in_root(int root, const char *path, int flags);

/* Makes a folder of exactly this mode and owner, or accepts one that is there; returns 0 or -1. */
int ensure_folder(int parent, const char *name, mode_t mode, uid_t uid, gid_t gid);

/* Writes a small file under a temporary name, flushes it and renames it into place; returns 0 or -1. */
int write_file_durably(int folder, const char *name, const void *content, size_t length, mode_t mode, gid_t gid);

/* Writes the whole of a kernel file (cgroup, sysctl) in one write; returns 0 or -1. */
int write_knob(int folder, const char *path, const char *value);

/* Reads a small kernel file into a NUL-terminated buffer; returns its length or -1. */
ssize_t read_knob(int folder, const char *path, char *buffer, size_t size);
