#include "agent/become.h"

#include "agent/connection.h"
#include "agent/lookup.h"
#include "agent/spawn.h"
#include "agent/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Takes the place of the connection, which must not reach the command. */
#define STATUS_FD CONNECTION_FD

static _Noreturn void fail(enum step step)
{
    struct spawn_failure failure = { .error = (uint32_t)errno, .step = step };
    /* When even this fails, the supervisor sees a command that ended with 127. */
    (void)!write(STATUS_FD, &failure, sizeof failure);
    _exit(127);
}

/* All else is close-on-exec. */
static void take_descriptors(const struct child_ends *ends)
{
    if (dup2(ends->output, STDOUT_FILENO) < 0 || dup2(ends->errors, STDERR_FILENO) < 0)
        fail(STEP_SPAWN);
}

/* The kernel's choice when memory is out: commands before supervisors and PID 1, so that somebody is left to report. */
static void offer_to_oom_killer(void)
{
    static const char score[] = "200";
    /*
     * Kernel: the files of a non-dumpable process in /proc belong to a root outside of the sandbox. For this moment
     * root of the sandbox may look into this process: it has no connection any more, and nothing that the command will
     * not have anyway.
     */
    if (prctl(PR_SET_DUMPABLE, 1))
        fail(STEP_SPAWN);
    int fd = openat(PROC_FD, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, score, sizeof score - 1) < 0)
        fail(STEP_SPAWN);
    close(fd);
    if (prctl(PR_SET_DUMPABLE, 0))
        fail(STEP_SPAWN);
}

static void limit_open_files(uint32_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        fail(STEP_SPAWN);
    /* Nobody here may raise the hard limit. */
    limit.rlim_cur = limit.rlim_max = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        fail(STEP_SPAWN);
}

static void reset_priority(void)
{
    errno = 0;
    /* The agent may run above its commands, so that it gets its turn among a thousand of them. */
    if (getpriority(PRIO_PROCESS, 0) < 0 && !errno && setpriority(PRIO_PROCESS, 0, 0))
        fail(STEP_SPAWN);
}

/* What is the same for every command. */
static void settle(const struct child_ends *ends)
{
    if (dup3(ends->status, STATUS_FD, O_CLOEXEC) < 0)
        _exit(127);
    close(NOTICE_FD);
    take_descriptors(ends);
    if (setsid() < 0)
        fail(STEP_SPAWN);
    offer_to_oom_killer();
    reset_priority();
}

static _Noreturn void run(const struct exec_request *request, int input)
{
    if (input >= 0 && dup2(input, STDIN_FILENO) < 0)
        fail(STEP_SPAWN);
    if (request->pty && ioctl(STDIN_FILENO, TIOCSCTTY, 0))
        fail(STEP_PTY);
    if (request->open_files)
        limit_open_files(request->open_files);
    if (setgroups(request->group_count, request->groups) || setresgid(request->gid, request->gid, request->gid) ||
        setresuid(request->uid, request->uid, request->uid))
        fail(STEP_SPAWN);
    if (chdir(request->workdir))
        fail(STEP_WORKDIR);
    unblock_signals();
    execute(request->argv, request->env);
    fail(STEP_EXEC);
}

_Noreturn void become_command(const struct exec_request *request, const struct child_ends *ends)
{
    settle(ends);
    run(request, ends->input);
}

static bool read_all(int fd, void *to, size_t length)
{
    for (uint8_t *at = to; length;) {
        ssize_t n = read(fd, at, length);
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

_Noreturn void await_orders(const struct child_ends *ends, struct command *supervisors_ends)
{
    static uint8_t payload[REQUEST_PAYLOAD_MAX];
    static struct exec_request request;
    uint32_t length;
    /* As long as we hold them ourselves, the end of the supervisor would not be the end of these. */
    close(supervisors_ends->input);
    close(supervisors_ends->output);
    close(supervisors_ends->errors);
    close(supervisors_ends->status);
    close(supervisors_ends->orders);
    settle(ends);
    if (!read_all(ends->orders, &length, sizeof length))
        _exit(0); /* nobody wants a command any more */
    if (length > sizeof payload || !read_all(ends->orders, payload, length) ||
        parse_exec_request(payload, length, &request)) {
        errno = EPROTO;
        fail(STEP_SPAWN);
    }
    run(&request, request.stdin_is_open ? ends->input : -1);
}
