#include "agent/reply.h"

#define KIND_FILE 1u
#define KIND_FOLDER 2u
#define TREE_NOT_EMPTY 1u

uint32_t put_started(uint8_t payload[STARTED_LENGTH], pid_t supervisor, pid_t command)
{
    put_u32(payload, (uint32_t)supervisor);
    put_u32(payload + 4, (uint32_t)command);
    return STARTED_LENGTH;
}

uint32_t put_exited(uint8_t payload[EXITED_LENGTH], const struct exit_report *report)
{
    put_u32(payload, report->signal ? 128 + report->signal : report->exit_code);
    put_u32(payload + 4, report->signal);
    put_u32(payload + 8, report->stranger_kills);
    put_u32(payload + 12, report->tree_is_empty ? 0 : TREE_NOT_EMPTY);
    put_u64(payload + 16, report->stdout_bytes);
    put_u64(payload + 24, report->stderr_bytes);
    put_u64(payload + 32, report->user_us);
    put_u64(payload + 40, report->system_us);
    put_u64(payload + 48, report->peak_resident_bytes);
    return EXITED_LENGTH;
}

uint32_t put_file_info(uint8_t payload[FILE_INFO_LENGTH], const struct stat *stat)
{
    put_u32(payload, S_ISDIR(stat->st_mode) ? KIND_FOLDER : KIND_FILE);
    put_u32(payload + 4, stat->st_mode & 07777);
    put_u32(payload + 8, stat->st_uid);
    put_u32(payload + 12, stat->st_gid);
    put_u64(payload + 16, (uint64_t)stat->st_size);
    put_u64(payload + 24, (uint64_t)stat->st_mtime);
    return FILE_INFO_LENGTH;
}

uint32_t put_error(uint8_t payload[ERROR_LENGTH_MAX], int error, enum step step, const char *message)
{
    size_t length = strnlen(message, ERROR_MESSAGE_MAX);
    put_u32(payload, (uint32_t)error);
    put_u32(payload + 4, step);
    memcpy(payload + 8, message, length);
    return (uint32_t)(8 + length);
}
