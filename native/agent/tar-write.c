#include "agent/connection.h"
#include "agent/file-request.h"
#include "agent/files.h"
#include "agent/resolve.h"
#include "agent/source.h"
#include "agent/tar-in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct tar_in tar;

/* Returns 0, an errno, or -1 when nobody is left to be told. */
static int receive_tar(struct inbox *inbox)
{
    struct frame piece;
    for (;;) {
        int error;
        switch (next_piece(inbox, &piece)) {
        case SOURCE_DATA:
            error = tar_in_feed(&tar, piece.payload, piece.length);
            if (error) {
                const char *problem = tar.problem;
                tar_in_end(&tar);
                tar.problem = problem;
                return error;
            }
            break;
        case SOURCE_END:
            return tar_in_end(&tar);
        case SOURCE_LOST:
            tar_in_end(&tar);
            return -1;
        case SOURCE_BAD:
            tar_in_end(&tar);
            return EPROTO;
        }
    }
}

static void report(int error)
{
    char message[ERROR_MESSAGE_MAX + 1];
    if (error < 0)
        return;
    if (!error) {
        (void)send_frame(FRAME_OK, NULL, 0);
        return;
    }
    if (tar.problem)
        snprintf(message, sizeof message, "%s", tar.problem);
    else
        snprintf(message, sizeof message, "%.250s: %s", tar.member.path, strerror(error));
    send_error(error, STEP_TAR, message);
}

void serve_tar_write(struct inbox *inbox, const struct frame *request)
{
    static struct tar_write_request wanted;
    if (!parse_tar_write(request, &wanted)) {
        send_error(EINVAL, STEP_REQUEST, "this cannot be a folder to unpack into");
        return;
    }
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int folder = make_folders_in_root(root, wanted.path);
    if (folder < 0) {
        send_error(errno, STEP_FILE, strerror(errno));
        return;
    }
    tar_in_begin(&tar, folder, wanted.uid, wanted.gid);
    report(receive_tar(inbox));
}
