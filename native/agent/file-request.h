/* The requests of the file verbs, parsed and copied. Each returns whether the payload can be one. */
#pragma once
#include "agent/protocol.h"

#include <limits.h>
#include <sys/types.h>

struct file_write_request {
    mode_t mode;
    uid_t uid; /* SAME_OWNER: root */
    gid_t gid;
    char path[PATH_MAX];
};

struct tar_write_request {
    uid_t uid; /* SAME_OWNER: as in the tar */
    gid_t gid;
    char path[PATH_MAX];
};

bool parse_file_read(const struct frame *frame, char path[PATH_MAX]);
bool parse_file_write(const struct frame *frame, struct file_write_request *request);
bool parse_tar_write(const struct frame *frame, struct tar_write_request *request);
