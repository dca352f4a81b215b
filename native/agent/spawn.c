#include "agent/spawn.h"

#include "agent/become.h"
#include "agent/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int make_pipe(int *ours, int *theirs, bool we_read)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    *ours = ends[we_read ? 0 : 1];
    *theirs = ends[we_read ? 1 : 0];
    /* Only our end: a command expects its own to block. */
    return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int make_streams(const struct exec_request *request, struct command *command, struct child_ends *child)
{
    if (request->pty) {
        if (open_pty(request, &command->output, &child->output))
            return STEP_PTY;
        command->input = command->output;
        child->input = child->errors = child->output;
        return 0;
    }
    if (request->stdin_is_open && make_pipe(&command->input, &child->input, false))
        return STEP_SPAWN;
    if (make_pipe(&command->output, &child->output, true) || make_pipe(&command->errors, &child->errors, true))
        return STEP_SPAWN;
    return 0;
}

int spawn_command(const struct exec_request *request, struct command *command, struct spawn_failure *failure)
{
    struct child_ends child = { .input = -1, .output = -1, .errors = -1, .status = -1 };
    *command = (struct command) { .input = -1, .output = -1, .errors = -1, .status = -1 };
    int step = make_streams(request, command, &child);
    if (!step && make_pipe(&command->status, &child.status, true))
        step = STEP_SPAWN;
    if (!step) {
        command->pid = fork();
        if (command->pid == 0)
            become_command(request, &child);
        if (command->pid < 0)
            step = STEP_SPAWN;
    }
    int error = errno;
    if (child.input != child.output)
        close_if_open(child.input);
    if (child.errors != child.output)
        close_if_open(child.errors);
    close_if_open(child.output);
    close_if_open(child.status);
    if (!step)
        return 0;
    if (command->input != command->output)
        close_if_open(command->input);
    close_if_open(command->output);
    close_if_open(command->errors);
    close_if_open(command->status);
    *failure = (struct spawn_failure) { .error = (uint32_t)error, .step = (uint32_t)step };
    return -1;
}
