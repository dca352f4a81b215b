#include "agent/exec.h"

#include "agent/connection.h"
#include "agent/relay.h"
#include "agent/request.h"
#include "agent/spawn.h"

#include <errno.h>

int serve_exec(struct inbox *inbox, const struct frame *frame)
{
    static struct exec_request request;
    static struct command command;
    struct spawn_failure failure;
    const char *problem = parse_exec_request(frame->payload, frame->length, &request);
    if (problem) {
        send_error(EINVAL, STEP_REQUEST, problem);
        dismiss_ready_child();
        return 0;
    }
    if (!spawn_command(&request, frame, &command, &failure))
        return relay(inbox, &command, request.pty, request.forward_limit);
    send_error((int)failure.error, (enum step)failure.step, strerror((int)failure.error));
    return 0;
}
