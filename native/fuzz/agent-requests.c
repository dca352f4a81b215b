/*
 * What PID 1's children read from a client: frames cut anywhere, and every request. The first byte says where the
 * stream is cut.
 */
#include "agent/file-request.h"
#include "agent/inbox.h"
#include "agent/input.h"
#include "agent/request.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct inbox inbox;
static struct input input;

/* Everything that parsing hands on must be inside of the payload, and readable as strings to its end. */
static void check_exec(const struct frame *frame)
{
    static struct exec_request request;
    size_t length = 0;
    if (parse_exec_request(frame->payload, frame->length, &request))
        return;
    const char *end = (const char *)frame->payload + frame->length;
    assert(request.workdir[0] == '/' && request.group_count <= GROUPS_MAX && request.argv[0]);
    for (char **each = request.argv; *each; each++)
        length += strlen(*each) + 1;
    for (char **each = request.env; *each; each++) {
        assert(*each + strlen(*each) < end && strchr(*each, '='));
        length += strlen(*each) + 1;
    }
    assert(length + strlen(request.workdir) + 1 + 36 + 4 * request.group_count == frame->length);
}

static void check_path(const char *path)
{
    assert(path[0] && strlen(path) < PATH_MAX);
}

static void check_files(const struct frame *frame)
{
    static char path[PATH_MAX];
    static struct file_write_request write;
    static struct tar_write_request tar;
    if (parse_file_read(frame, path))
        check_path(path);
    if (parse_file_write(frame, &write)) {
        check_path(write.path);
        assert(write.mode <= 07777);
    }
    if (parse_tar_write(frame, &tar))
        check_path(tar.path);
}

static void check_frames(void)
{
    struct frame frame;
    while (inbox_next(&inbox, REQUEST_PAYLOAD_MAX, &frame) == INBOX_FRAME) {
        assert(frame.payload + frame.length <= inbox.bytes + inbox.end);
        check_exec(&frame);
        check_files(&frame);
        if (!input_accept(&input, frame.payload, frame.length))
            input = (struct input){ .fd = input.fd };
        input_pump(&input);
    }
}

static void feed(int fd, const uint8_t *bytes, size_t length)
{
    assert(pwrite(fd, bytes, length, 0) == (ssize_t)length && !ftruncate(fd, (off_t)length) &&
           lseek(fd, 0, SEEK_SET) == 0);
    while (inbox_fill(&inbox, fd) > 0)
        check_frames();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (size < 2)
        return 0;
    if (fd < 0)
        fd = memfd_create("stream", MFD_CLOEXEC);
    size_t cut = data[0] % size;
    inbox.start = inbox.end = 0;
    input = (struct input){ .fd = memfd_create("stdin", MFD_CLOEXEC) };
    feed(fd, data + 1, cut);
    feed(fd, data + 1 + cut, size - 1 - cut);
    if (input.fd >= 0)
        close(input.fd);
    return 0;
}
