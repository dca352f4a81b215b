#include "agent/spawn.h"

#include "agent/become.h"
#include "agent/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What a pipe takes at once (16 pages of 4 KiB, pipe(7)), less the length before it. Larger requests find no ready
 * child.
 */
#define ORDERS_MAX (65536u - sizeof(uint32_t))

static struct command ready = { .pid = 0 };

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_command(struct command *command)
{
    if (command->input == command->output)
        command->input = -1;
    close_end(&command->input);
    close_end(&command->output);
    close_end(&command->errors);
    close_end(&command->status);
    close_end(&command->orders);
}

static void close_child_ends(struct child_ends *child)
{
    if (child->input == child->output)
        child->input = child->errors = -1;
    close_end(&child->input);
    close_end(&child->output);
    close_end(&child->errors);
    close_end(&child->status);
    close_end(&child->orders);
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

static int make_pipes(struct command *command, struct child_ends *child, bool with_input)
{
    return (with_input && make_pipe(&command->input, &child->input, false)) ||
           make_pipe(&command->output, &child->output, true) || make_pipe(&command->errors, &child->errors, true);
}

static int make_terminal(const struct exec_request *request, struct command *command, struct child_ends *child)
{
    if (open_pty(request, &command->output, &child->output))
        return -1;
    command->input = request->stdin_is_open ? command->output : -1;
    child->input = child->errors = child->output;
    return 0;
}

static const struct command no_command = { .input = -1, .output = -1, .errors = -1, .status = -1, .orders = -1 };
static const struct child_ends no_ends = { .input = -1, .output = -1, .errors = -1, .status = -1, .orders = -1 };

void prepare_command(void)
{
    struct child_ends child = no_ends;
    ready = no_command;
    if (make_pipes(&ready, &child, true) || make_pipe(&ready.status, &child.status, true) ||
        make_pipe(&ready.orders, &child.orders, false)) {
        ready.pid = -1;
    } else {
        ready.pid = fork();
        if (ready.pid == 0)
            await_orders(&child, &ready);
    }
    close_child_ends(&child);
    if (ready.pid < 0) {
        close_command(&ready);
        ready.pid = 0;
    }
}

void dismiss_ready_child(void)
{
    if (!ready.pid)
        return;
    close_command(&ready);
    /* It ends by itself, unless the sandbox's root has stopped it. */
    kill(ready.pid, SIGKILL);
    waitpid(ready.pid, NULL, 0);
    ready.pid = 0;
}

/* Returns whether the child that is ready has got the request. */
static bool order(const struct exec_request *request, const struct frame *payload)
{
    static uint8_t orders[sizeof(uint32_t) + ORDERS_MAX];
    if (!ready.pid || request->pty || payload->length > ORDERS_MAX)
        return false;
    put_u32(orders, payload->length);
    memcpy(orders + sizeof(uint32_t), payload->payload, payload->length);
    size_t length = sizeof(uint32_t) + payload->length;
    /* EPIPE: somebody killed it while it waited. */
    return write(ready.orders, orders, length) == (ssize_t)length;
}

static int spawn_now(const struct exec_request *request, struct command *command, struct spawn_failure *failure)
{
    struct child_ends child = no_ends;
    int step = STEP_SPAWN;
    *command = no_command;
    if (request->pty ? make_terminal(request, command, &child) : make_pipes(command, &child, request->stdin_is_open)) {
        step = request->pty ? STEP_PTY : STEP_SPAWN;
        command->pid = -1;
    } else if (make_pipe(&command->status, &child.status, true)) {
        command->pid = -1;
    } else {
        command->pid = fork();
        if (command->pid == 0)
            become_command(request, &child);
    }
    int error = errno;
    close_child_ends(&child);
    if (command->pid > 0)
        return 0;
    close_command(command);
    *failure = (struct spawn_failure){ .error = (uint32_t)error, .step = (uint32_t)step };
    return -1;
}

int spawn_command(const struct exec_request *request, const struct frame *payload, struct command *command,
                  struct spawn_failure *failure)
{
    if (!order(request, payload)) {
        dismiss_ready_child();
        return spawn_now(request, command, failure);
    }
    *command = ready;
    ready.pid = 0;
    close_end(&command->orders);
    if (!request->stdin_is_open)
        close_end(&command->input);
    return 0;
}
