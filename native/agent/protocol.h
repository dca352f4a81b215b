/* The agent's wire (PROTOCOL.md §2): header, types, bounds. */
#pragma once
#include "common/little-endian.h"

#include <stdbool.h>
#include <stddef.h>

#define PROTOCOL_VERSION 1
#define FRAME_HEADER 8u
#define FRAME_PAYLOAD_MAX 65536u
#define REQUEST_PAYLOAD_MAX 262144u
#define ERROR_MESSAGE_MAX 400u
/* Bytes of input that the client may send ahead of STDIN_TAKEN. */
#define STDIN_WINDOW 65536u
#define SIGNAL_KILL_TREE 0xFFFFFFFFu
#define SAME_OWNER 0xFFFFFFFFu

enum frame_type {
    FRAME_EXEC = 0x01,
    FRAME_STDIN = 0x02,
    FRAME_RESIZE = 0x03,
    FRAME_SIGNAL = 0x04,
    FRAME_PING = 0x05,
    FRAME_FILE_READ = 0x10,
    FRAME_FILE_WRITE = 0x11,
    FRAME_TAR_WRITE = 0x12,
    FRAME_DATA = 0x20,
    FRAME_END = 0x21,
    FRAME_STARTED = 0x81,
    FRAME_STDOUT = 0x82,
    FRAME_STDERR = 0x83,
    FRAME_EXITED = 0x84,
    FRAME_STDIN_TAKEN = 0x85,
    FRAME_FILE_INFO = 0x90,
    FRAME_OK = 0x9E,
    FRAME_ERROR = 0x9F,
};

/* What failed, in ERROR. */
enum step { STEP_REQUEST = 1, STEP_WORKDIR, STEP_SPAWN, STEP_EXEC, STEP_FILE, STEP_TAR, STEP_PTY };

struct frame {
    uint8_t type;
    uint32_t length;
    const uint8_t *payload;
};

static inline void put_frame_header(uint8_t *to, uint8_t type, uint32_t length)
{
    put_u32(to, length);
    to[4] = type;
    to[5] = PROTOCOL_VERSION;
    put_u16(to + 6, 0);
}

static inline bool frame_header_is_sane(const uint8_t *header)
{
    return header[5] == PROTOCOL_VERSION && get_u16(header + 6) == 0;
}
