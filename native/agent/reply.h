/* Payloads of what the agent says (PROTOCOL.md §2). Each returns the payload's length. */
#pragma once
#include "agent/protocol.h"

#include <sys/stat.h>
#include <sys/types.h>

#define STARTED_LENGTH 8u
#define EXITED_LENGTH 56u
#define FILE_INFO_LENGTH 32u
#define ERROR_LENGTH_MAX (8u + ERROR_MESSAGE_MAX)

struct exit_report {
    uint32_t signal;    /* that ended the first process, 0: none */
    uint32_t exit_code; /* meant only without a signal */
    uint32_t stranger_kills;
    bool tree_is_empty;
    uint64_t stdout_bytes;
    uint64_t stderr_bytes;
    uint64_t user_us;
    uint64_t system_us;
    uint64_t peak_resident_bytes;
};

uint32_t put_started(uint8_t payload[STARTED_LENGTH], pid_t supervisor, pid_t command);
uint32_t put_exited(uint8_t payload[EXITED_LENGTH], const struct exit_report *report);
/* Of a file or a folder. */
uint32_t put_file_info(uint8_t payload[FILE_INFO_LENGTH], const struct stat *stat);
/* A message that is too long is cut. */
uint32_t put_error(uint8_t payload[ERROR_LENGTH_MAX], int error, enum step step, const char *message);
