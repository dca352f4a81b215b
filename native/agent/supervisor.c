#include "agent/supervisor.h"

#include "agent/connection.h"
#include "agent/exec.h"
#include "agent/files.h"
#include "common/clock.h"

#include <errno.h>
#include <sys/prctl.h>

#define REQUEST_DEADLINE_MS 5000

static struct inbox inbox;

static void serve_files(const struct frame *request)
{
    switch (request->type) {
    case FRAME_PING:
        if (request->length)
            send_error(EPROTO, STEP_REQUEST, "PING is empty");
        else
            (void)send_frame(FRAME_OK, NULL, 0);
        break;
    case FRAME_FILE_READ:
        serve_file_read(request);
        break;
    case FRAME_FILE_WRITE:
        serve_file_write(&inbox, request);
        break;
    case FRAME_TAR_WRITE:
        serve_tar_write(&inbox, request);
        break;
    default:
        send_error(EPROTO, STEP_REQUEST, "no such request");
    }
    linger(&inbox);
}

int supervise(void)
{
    struct frame request;
    prctl(PR_SET_NAME, "squash-superv");
    if (receive_frame(&inbox, REQUEST_PAYLOAD_MAX, now_ms() + REQUEST_DEADLINE_MS, &request)) {
        send_error(errno, STEP_REQUEST, "the request did not come");
        return 0;
    }
    if (request.type == FRAME_EXEC)
        return serve_exec(&inbox, &request);
    serve_files(&request);
    return 0;
}
