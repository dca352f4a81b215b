#include "agent/relay.h"

#include "agent/connection.h"
#include "agent/descendants.h"
#include "agent/input.h"
#include "agent/notice.h"
#include "agent/outbox.h"
#include "agent/output.h"
#include "agent/pty.h"
#include "agent/reply.h"
#include "agent/wait.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What the pipe of a dead tree may still give: the largest pipe, /proc/sys/fs/pipe-max-size. More comes from a stranger
 * who holds its other end.
 */
#define LEFTOVER_MAX (1u << 20)

/*
 * The start of a command that ends sooner is not announced by itself. Every sleep and wake-up across two processors
 * costs 20 to 50 µs
 * in a virtual machine, which is a tenth of what `true` takes.
 */
#define QUIET_START_MS 1

enum slot { SLOT_CLIENT, SLOT_STATUS, SLOT_OUTPUT, SLOT_ERRORS, SLOT_INPUT, SLOTS };

static struct {
    struct inbox *inbox;
    struct outbox outbox;
    struct input input;
    struct output outputs[2];
    struct descendants tree;
    bool pty;
    int status; /* -1: the program runs */
    pid_t pid;
    bool client_gone;
    bool kill_wanted;
    bool quiet_start;      /* nothing was waited for yet */
    const char *violation; /* by the client */
    struct spawn_failure failure;
} state;

static bool tree_is_over(void)
{
    return state.tree.all_gone || state.tree.gave_up;
}

static void on_status(void)
{
    uint8_t started[STARTED_LENGTH];
    ssize_t n = read(state.status, &state.failure, sizeof state.failure);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != (ssize_t)sizeof state.failure)
        state.failure = (struct spawn_failure){ 0 };
    close(state.status);
    state.status = -1;
    if (state.failure.step)
        return;
    outbox_put(&state.outbox, FRAME_STARTED, started, put_started(started, getpid(), state.pid));
}

static const char *on_signal(const struct frame *frame)
{
    if (frame->length != 4)
        return "SIGNAL has 4 bytes";
    uint32_t number = get_u32(frame->payload);
    if (number == SIGNAL_KILL_TREE) {
        state.kill_wanted = true;
        return NULL;
    }
    if (number < 1 || number >= NSIG)
        return "no such signal";
    /* Once the first process was reaped, its group's number may be somebody else's. */
    if (state.tree.first) {
        state.tree.we_killed |= number == SIGKILL;
        kill(-state.tree.first, (int)number);
    }
    return NULL;
}

static const char *on_frame(const struct frame *frame)
{
    switch (frame->type) {
    case FRAME_STDIN:
        return input_accept(&state.input, frame->payload, frame->length) ? NULL : "more stdin than there is room for";
    case FRAME_RESIZE:
        if (frame->length != 4 || !state.pty)
            return "RESIZE needs a terminal and 4 bytes";
        if (state.outputs[0].fd >= 0)
            resize_pty(state.outputs[0].fd, get_u16(frame->payload), get_u16(frame->payload + 2));
        return NULL;
    case FRAME_SIGNAL:
        return on_signal(frame);
    default:
        return "a frame of this type has no place here";
    }
}

static void take_frames(void)
{
    struct frame frame;
    enum inbox_state inbox_state;
    while (!state.violation && (inbox_state = inbox_next(state.inbox, FRAME_PAYLOAD_MAX, &frame)) != INBOX_MORE)
        state.violation = inbox_state == INBOX_BAD ? "a header that cannot be right" : on_frame(&frame);
}

static void on_client(short events)
{
    ssize_t n = inbox_fill(state.inbox, CONNECTION_FD);
    if (n > 0)
        take_frames();
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        state.client_gone = true;
    if (events & POLLHUP)
        state.client_gone = true;
}

static void pump_outputs(const struct pollfd *fds)
{
    for (int i = 0; i < 2; i++)
        if (fds[SLOT_OUTPUT + i].revents)
            output_pump(&state.outputs[i], &state.outbox, FRAME_PAYLOAD_MAX);
    if (state.pty && state.outputs[0].fd < 0)
        input_detach(&state.input);
}

/* Nobody of the tree lives, so what can be read now is all there is. */
static void pump_leftovers(size_t *budget)
{
    for (int i = 0; i < 2; i++) {
        size_t n = output_pump(&state.outputs[i], &state.outbox, *budget);
        *budget -= n;
        if (n == 0 || *budget == 0)
            output_close(&state.outputs[i]);
    }
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void say_exited(void)
{
    struct rusage usage;
    uint8_t exited[EXITED_LENGTH];
    int status = state.tree.first_status;
    /* Everybody who was waited for, by us or by their parents: the tree. */
    getrusage(RUSAGE_CHILDREN, &usage);
    struct exit_report report = {
        /* A first process that could not be ended has at least been sent this. */
        .signal = state.tree.first      ? SIGKILL
                  : WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status)
                                        : 0,
        .exit_code = (uint32_t)WEXITSTATUS(status),
        .stranger_kills = state.tree.stranger_kills,
        .tree_is_empty = state.tree.all_gone,
        .stdout_bytes = state.outputs[0].total,
        .stderr_bytes = state.outputs[1].total,
        .user_us = microseconds(usage.ru_utime),
        .system_us = microseconds(usage.ru_stime),
        .peak_resident_bytes = (uint64_t)usage.ru_maxrss * 1024,
    };
    outbox_put(&state.outbox, FRAME_EXITED, exited, put_exited(exited, &report));
}

static void wait_and_serve(void)
{
    bool quiet = state.quiet_start;
    bool can_read = outbox_is_empty(&state.outbox) && !tree_is_over() && (state.status < 0 || quiet);
    int timeout_ms = quiet ? QUIET_START_MS : ms_until_next_kill(&state.tree);
    state.quiet_start = false;
    struct pollfd fds[SLOTS] = {
        [SLOT_CLIENT] = { state.client_gone ? -1 : CONNECTION_FD, state.violation ? 0 : POLLIN, 0 },
        [SLOT_STATUS] = { quiet ? -1 : state.status, POLLIN, 0 },
        [SLOT_OUTPUT] = { can_read ? state.outputs[0].fd : -1, POLLIN, 0 },
        [SLOT_ERRORS] = { can_read ? state.outputs[1].fd : -1, POLLIN, 0 },
        [SLOT_INPUT] = { input_is_pending(&state.input) ? state.input.fd : -1, POLLOUT, 0 },
    };
    if (!outbox_is_empty(&state.outbox))
        fds[SLOT_CLIENT].events |= POLLOUT;
    if (wait_for_events(fds, SLOTS, timeout_ms) < 0)
        _exit(1); /* ENOMEM: PID 1 kills what is left */
    if (fds[SLOT_STATUS].revents || quiet)
        on_status();
    if (fds[SLOT_CLIENT].revents & ~POLLOUT)
        on_client(fds[SLOT_CLIENT].revents);
    if (can_read && state.status < 0)
        pump_outputs(fds);
}

/* Puts the next piece of what is left to say into the empty outbox. Returns false when everything was said. */
static bool say_rest(size_t *leftover_budget)
{
    static bool exit_reported;
    if (exit_reported)
        return false;
    pump_leftovers(leftover_budget);
    if (state.outputs[0].fd < 0 && state.outputs[1].fd < 0) {
        say_exited();
        exit_reported = true;
    }
    return true;
}

/* A command that cannot start, or whose client cannot be understood, is not reported as one that ended. */
static bool has_failed(void)
{
    return state.violation || state.failure.step;
}

/* STARTED is the first word. When there is no room, the outbox is not empty, and its next piece brings us back here. */
static void say_taken(void)
{
    uint8_t taken[8];
    if (state.status >= 0 || state.input.taken == state.input.told || !outbox_takes(&state.outbox, sizeof taken))
        return;
    put_u64(taken, state.input.taken);
    outbox_put(&state.outbox, FRAME_STDIN_TAKEN, taken, sizeof taken);
    state.input.told = state.input.taken;
}

/* Once the tree is gone, so is whoever held the other end of `status`; but some trees cannot be ended. */
static bool is_over(void)
{
    return tree_is_over() && (state.status < 0 || state.tree.gave_up || state.client_gone);
}

static void serve_until_over(void)
{
    while (!is_over()) {
        input_pump(&state.input);
        say_taken();
        if (outbox_flush(&state.outbox, CONNECTION_FD))
            state.client_gone = true;
        wait_and_serve();
        /* A command that closes its output mostly ends: looking saves a wake-up. */
        if (take_child_event() || (state.outputs[0].fd < 0 && state.outputs[1].fd < 0))
            reap_descendants(&state.tree);
        if (!tree_is_over())
            announce_connection();
        if (!state.tree.first || state.kill_wanted || state.client_gone || has_failed())
            kill_descendants(&state.tree);
    }
    if (state.status >= 0 && !state.failure.step)
        state.failure = (struct spawn_failure){ .error = ETIMEDOUT, .step = STEP_SPAWN };
}

static void report(void)
{
    size_t leftover_budget = LEFTOVER_MAX;
    input_detach(&state.input);
    while (!state.client_gone && !has_failed()) {
        if (outbox_is_empty(&state.outbox) && !say_rest(&leftover_budget))
            return;
        if (outbox_flush(&state.outbox, CONNECTION_FD))
            state.client_gone = true;
        else if (!outbox_is_empty(&state.outbox))
            wait_and_serve();
    }
    if (state.client_gone || send_bytes(state.outbox.bytes + state.outbox.start, state.outbox.end - state.outbox.start))
        return;
    if (state.violation)
        send_error(EPROTO, STEP_REQUEST, state.violation);
    else
        send_error((int)state.failure.error, (enum step)state.failure.step, strerror((int)state.failure.error));
}

int relay(struct inbox *inbox, const struct command *command, bool pty, uint64_t forward_limit)
{
    state.inbox = inbox;
    state.pty = pty;
    state.pid = state.tree.first = command->pid;
    state.status = command->status;
    state.quiet_start = true;
    state.input.fd = command->input;
    state.input.terminal = pty;
    state.outputs[0] = (struct output){ .fd = command->output, .type = FRAME_STDOUT, .limit = forward_limit };
    state.outputs[1] = (struct output){ .fd = command->errors, .type = FRAME_STDERR, .limit = forward_limit };
    take_frames();
    serve_until_over();
    report();
    return state.tree.all_gone ? 0 : 1;
}
