#include "agent/supervisor.h"

#include "agent/connection.h"
#include "agent/exec.h"
#include "agent/files.h"
#include "agent/notice.h"
#include "agent/spawn.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_DEADLINE_MS 5000
#define RETRY_MS 5

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
}

/* Takes a connection in the place of the listening socket. When more are waiting, PID 1 is told at once. */
static void await_connection(void)
{
    for (;;) {
        struct pollfd listener = { .fd = LISTEN_FD, .events = POLLIN };
        if (poll(&listener, 1, -1) < 0)
            continue;
        int connection = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection >= 0) {
            if (poll(&listener, 1, 0) > 0)
                announce_connection();
            if (dup3(connection, CONNECTION_FD, O_CLOEXEC) < 0)
                _exit(1);
            close(connection);
            return;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            poll(NULL, 0,
                 RETRY_MS); /* no memory, no descriptor: not ours to solve, and not to be asked for in a circle */
    }
}

/* Mostly the request is there with the connection; one that is not must not keep the next connection waiting. */
static int receive_request(struct frame *request)
{
    if (!receive_frame(&inbox, REQUEST_PAYLOAD_MAX, 0, request))
        return 0;
    if (errno != ETIMEDOUT)
        return -1;
    announce_connection();
    return receive_frame(&inbox, REQUEST_PAYLOAD_MAX, now_ms() + REQUEST_DEADLINE_MS, request);
}

static int serve_request(void)
{
    struct frame request;
    if (receive_request(&request)) {
        send_error(errno, STEP_REQUEST, "the request did not come");
        dismiss_ready_child();
        return 0;
    }
    if (request.type == FRAME_EXEC)
        return serve_exec(&inbox, &request);
    announce_connection();
    dismiss_ready_child();
    serve_files(&request);
    return 0;
}

int supervise(void)
{
    prctl(PR_SET_NAME, "squash-superv");
    /* Kernel: descendants whose parent ends become ours (prctl(2)), so waitpid() says when the whole tree is gone. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        return 1;
    prepare_command();
    await_connection();
    int status = serve_request();
    announce_connection();
    linger(&inbox);
    return status;
}
