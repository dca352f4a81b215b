/* `agent-vectors FILE`: reads each frame of the file as the agent does, or says it as the agent does, and compares. */
#include "agent/file-request.h"
#include "agent/inbox.h"
#include "agent/outbox.h"
#include "agent/reply.h"
#include "agent/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    enum frame_type type;
} types[] = {
    { "EXEC", FRAME_EXEC },
    { "STDIN", FRAME_STDIN },
    { "RESIZE", FRAME_RESIZE },
    { "SIGNAL", FRAME_SIGNAL },
    { "PING", FRAME_PING },
    { "FILE_READ", FRAME_FILE_READ },
    { "FILE_WRITE", FRAME_FILE_WRITE },
    { "TAR_WRITE", FRAME_TAR_WRITE },
    { "DATA", FRAME_DATA },
    { "END", FRAME_END },
    { "STARTED", FRAME_STARTED },
    { "STDOUT", FRAME_STDOUT },
    { "STDERR", FRAME_STDERR },
    { "EXITED", FRAME_EXITED },
    { "STDIN_TAKEN", FRAME_STDIN_TAKEN },
    { "FILE_INFO", FRAME_FILE_INFO },
    { "OK", FRAME_OK },
    { "ERROR", FRAME_ERROR },
};
#define TYPES (sizeof types / sizeof *types)

static struct inbox inbox;
static struct outbox outbox;

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

static bool text_is(const struct frame *frame, const char *text)
{
    return frame->length == strlen(text) && !memcmp(frame->payload, text, frame->length);
}

static bool exec_is_right(const struct frame *frame)
{
    static struct exec_request r;
    return !parse_exec_request(frame->payload, frame->length, &r) && r.pty && r.stdin_is_open && r.uid == 1000 &&
           r.gid == 1001 && r.group_count == 2 && r.groups[0] == 4 && r.groups[1] == 27 && r.rows == 24 &&
           r.columns == 80 && r.forward_limit == 65536 && r.open_files == 1024 && same(r.workdir, "/root") &&
           same(r.argv[0], "sh") && same(r.argv[1], "-c") && same(r.argv[2], "echo \xc3\xa9") && !r.argv[3] &&
           same(r.env[0], "PATH=/usr/bin:/bin") && same(r.env[1], "EMPTY=") && !r.env[2];
}

/* Every strict beginning of the request, and the request with a byte more, is refused. */
static bool exec_of_other_lengths_is_refused(const struct frame *frame)
{
    static struct exec_request r;
    static uint8_t longer[REQUEST_PAYLOAD_MAX];
    for (uint32_t length = 0; length < frame->length; length++)
        if (!parse_exec_request(frame->payload, length, &r))
            return false;
    memcpy(longer, frame->payload, frame->length);
    return parse_exec_request(longer, frame->length + 1, &r);
}

static bool file_write_is_right(const struct frame *frame)
{
    static struct file_write_request r;
    return parse_file_write(frame, &r) && r.mode == 0644 && r.uid == 0 && r.gid == 0 && same(r.path, "/root/a");
}

static bool tar_write_is_right(const struct frame *frame)
{
    static struct tar_write_request r;
    return parse_tar_write(frame, &r) && r.uid == SAME_OWNER && r.gid == SAME_OWNER && same(r.path, "/srv");
}

static bool read_is_right(const struct frame *frame)
{
    static char path[PATH_MAX];
    switch (frame->type) {
    case FRAME_EXEC:
        return exec_is_right(frame) && exec_of_other_lengths_is_refused(frame);
    case FRAME_STDIN:
        return text_is(frame, "hello\n");
    case FRAME_RESIZE:
        return frame->length == 4 && get_u16(frame->payload) == 50 && get_u16(frame->payload + 2) == 132;
    case FRAME_SIGNAL:
        return frame->length == 4 && get_u32(frame->payload) == 15;
    case FRAME_FILE_READ:
        return parse_file_read(frame, path) && same(path, "/etc/hostname");
    case FRAME_FILE_WRITE:
        return file_write_is_right(frame);
    case FRAME_TAR_WRITE:
        return tar_write_is_right(frame);
    case FRAME_DATA:
        return text_is(frame, "data");
    default: /* PING, END */
        return frame->length == 0;
    }
}

/* The payload that the agent would send. */
static uint32_t say(uint8_t type, uint8_t *payload)
{
    static const struct exit_report report = { .signal = 9,
                                               .stranger_kills = 1,
                                               .stdout_bytes = 5ull << 30,
                                               .stderr_bytes = 3,
                                               .user_us = 1500000,
                                               .system_us = 250000,
                                               .peak_resident_bytes = 1 << 20 };
    static const struct stat stat = {
        .st_mode = S_IFREG | 0755, .st_gid = 33, .st_size = 12, .st_mtim = { .tv_sec = -1 }
    };
    switch (type) {
    case FRAME_STARTED:
        return put_started(payload, 7, 8);
    case FRAME_STDOUT:
        memcpy(payload, "out\n", 4);
        return 4;
    case FRAME_STDERR:
        memcpy(payload, "err\n", 4);
        return 4;
    case FRAME_EXITED:
        return put_exited(payload, &report);
    case FRAME_STDIN_TAKEN:
        put_u64(payload, 65537);
        return 8;
    case FRAME_FILE_INFO:
        return put_file_info(payload, &stat);
    case FRAME_ERROR:
        return put_error(payload, ENOENT, STEP_WORKDIR, strerror(ENOENT));
    default: /* OK */
        return 0;
    }
}

static bool said_is_right(uint8_t type)
{
    outbox.start = outbox.end = 0;
    outbox_commit(&outbox, type, say(type, outbox_room(&outbox)));
    return outbox.end == inbox.end && !memcmp(outbox.bytes, inbox.bytes, inbox.end);
}

static bool take_hex(const char *hex)
{
    unsigned byte;
    inbox.start = inbox.end = 0;
    for (; hex[0] && hex[0] != '\n'; hex += 2) {
        if (sscanf(hex, "%2x", &byte) != 1 || !hex[1])
            return false;
        inbox.bytes[inbox.end++] = (uint8_t)byte;
    }
    return true;
}

static bool vector_is_right(size_t index, const char *hex)
{
    struct frame frame;
    if (!take_hex(hex) || inbox_next(&inbox, REQUEST_PAYLOAD_MAX, &frame) != INBOX_FRAME)
        return false;
    if (frame.type != types[index].type || inbox.start != inbox.end)
        return false;
    return frame.type & 0x80 ? said_is_right(frame.type) : read_is_right(&frame);
}

int main(int argc, char **argv)
{
    static char line[8192];
    size_t seen[TYPES] = { 0 };
    int failed = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!file) {
        perror("agent-vectors FILE");
        return 2;
    }
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (line[0] == '#' || !colon)
            continue;
        *colon = 0;
        size_t i = 0;
        while (i < TYPES && strcmp(types[i].name, line))
            i++;
        bool right = i < TYPES && vector_is_right(i, colon + 2);
        if (i < TYPES)
            seen[i]++;
        if (!right && ++failed)
            fprintf(stderr, "agent-vectors: %s is not what the agent %s\n", line,
                    i < TYPES ? "reads or says" : "knows");
    }
    fclose(file);
    for (size_t i = 0; i < TYPES; i++)
        if (!seen[i] && ++failed)
            fprintf(stderr, "agent-vectors: there is no %s\n", types[i].name);
    printf("agent-vectors: %zu frame types, %d failed\n", TYPES, failed);
    return failed ? 1 : 0;
}
