#include "agent/connection.h"
#include "agent/file-request.h"
#include "agent/files.h"
#include "agent/reply.h"
#include "agent/resolve.h"
#include "tar/sink.h"
#include "agent/tar-out.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int send_info(const struct stat *stat)
{
    uint8_t info[FILE_INFO_LENGTH];
    return send_frame(FRAME_FILE_INFO, info, put_file_info(info, stat));
}

/* Returns 0, an errno, or SINK_LOST. */
static int send_content(int fd)
{
    for (;;) {
        ssize_t n = sink_read(fd, SIZE_MAX);
        if (n == 0)
            return 0;
        if (n < 0)
            return n == SINK_LOST ? SINK_LOST : errno;
    }
}

static void serve_open(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat)) {
        send_error(errno, STEP_FILE, strerror(errno));
        return;
    }
    bool folder = S_ISDIR(stat.st_mode);
    if (!folder && !S_ISREG(stat.st_mode)) {
        send_error(EINVAL, STEP_FILE, "it is neither a file nor a folder");
        return;
    }
    if (send_info(&stat))
        return;
    int error = folder ? send_tar(fd) : send_content(fd);
    if (error == SINK_LOST || sink_flush())
        return;
    if (error)
        send_error(error, folder ? STEP_TAR : STEP_FILE, strerror(error));
    else
        (void)send_frame(FRAME_OK, NULL, 0);
}

void serve_file_read(const struct frame *request)
{
    char path[PATH_MAX];
    if (!parse_file_read(request, path)) {
        send_error(EINVAL, STEP_REQUEST, "this cannot be a path");
        return;
    }
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* O_NONBLOCK: a FIFO must not stop us. */
    int fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        send_error(errno, STEP_FILE, strerror(errno));
    else
        serve_open(fd);
}
