/* The EXEC request, parsed in place. */
#pragma once
#include "agent/protocol.h"

#include <sys/types.h>

#define GROUPS_MAX 1024

struct exec_request {
    bool pty;
    bool stdin_is_open;
    uid_t uid;
    gid_t gid;
    uint16_t rows;
    uint16_t columns;
    uint64_t forward_limit; /* bytes of each stream; 0: no limit */
    uint32_t open_files;    /* 0: as the agent has it */
    size_t group_count;
    gid_t groups[GROUPS_MAX];
    const char *workdir;
    char **argv; /* point into the payload; NULL-terminated */
    char **env;
};

/* Returns NULL, or what is wrong with the payload. Not reentrant: the two lists are static. */
const char *parse_exec_request(const uint8_t *payload, size_t length, struct exec_request *request);
