/* One member of a tar on its way into the file system. */
#pragma once
#include "tar/format.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct tar_member {
    char type;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    dev_t device;
    struct timespec mtime;
    char path[PATH_MAX];
    char link[PATH_MAX];
    int parent; /* of the file that is being written */
    int file;   /* -1: none */
    char name[NAME_MAX + 1];
};

/*
 * Turns a member's name into a path below the folder: leading '/' and every '.' go.
 * Returns false when it holds a '..' or is too long. An empty result is the folder itself.
 */
bool clean_member_path(char *to, const char *from, size_t length);

/*
 * Makes the member below `folder`; what stands in its place is replaced, except a folder by a folder.
 * A regular file is left open in member->file for its content. Returns 0 or an errno.
 */
int member_begin(int folder, struct tar_member *member);

/* Gives the file that was written its owner, mode and time. Returns 0 or an errno. */
int member_finish(struct tar_member *member);

/* Removes a file whose content did not come. */
void member_abandon(struct tar_member *member);
