/* Tar to folder, as a push parser: pieces may be cut anywhere. The tar is hostile. */
#pragma once
#include "agent/tar-member.h"
#include "agent/tar-pax.h"

#include <stddef.h>

enum tar_body { BODY_NONE, BODY_SKIP, BODY_FILE, BODY_PAX, BODY_LONG_NAME, BODY_LONG_LINK };

struct tar_in {
    int folder;
    uid_t uid; /* SAME_OWNER: as in the tar */
    gid_t gid;
    bool ended; /* the end mark was read; what follows is ignored */
    size_t have;
    uint8_t block[TAR_BLOCK];
    enum tar_body body;
    uint64_t body_left;
    uint64_t padding_left;
    struct pax pax; /* values for the next member */
    struct tar_member member;
    const char *problem; /* what is wrong with the tar, when an errno alone would not tell */
};

void tar_in_begin(struct tar_in *tar, int folder, uid_t uid, gid_t gid);

/* Returns 0 or an errno; after that only tar_in_end() may be called. */
int tar_in_feed(struct tar_in *tar, const uint8_t *bytes, size_t length);

/*
 * Returns 0, or an errno when the tar ended in the middle of a member. Gives back what is open; an unfinished file is
 * removed.
 */
int tar_in_end(struct tar_in *tar);
