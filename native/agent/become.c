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

static void take_descriptors(const struct child_ends *ends)
{
    if (ends->input >= 0 && dup2(ends->input, STDIN_FILENO) < 0)
        fail(STEP_SPAWN);
    if (dup2(ends->output, STDOUT_FILENO) < 0 || dup2(ends->errors, STDERR_FILENO) < 0)
        fail(STEP_SPAWN);
    if (close_range(PROC_FD + 1, ~0U, 0))
        fail(STEP_SPAWN);
}

/* The kernel's choice when memory is out: commands before supervisors and PID 1, so that somebody is left to report. */
static void offer_to_oom_killer(void)
{
    static const char score[] = "200";
    /* Kernel: the files of a non-dumpable process in /proc belong to a root outside of the sandbox. The connection is closed by now, so there is nothing here that the command will not have anyway. */
    if (prctl(PR_SET_DUMPABLE, 1))
        fail(STEP_SPAWN);
    int fd = openat(PROC_FD, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, score, sizeof score - 1) < 0)
        fail(STEP_SPAWN);
    close(fd);
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

_Noreturn void become_command(const struct exec_request *request, const struct child_ends *ends)
{
    if (dup3(ends->status, STATUS_FD, O_CLOEXEC) < 0)
        _exit(127);
    take_descriptors(ends);
    if (setsid() < 0)
        fail(STEP_SPAWN);
    if (request->pty && ioctl(STDIN_FILENO, TIOCSCTTY, 0))
        fail(STEP_PTY);
    offer_to_oom_killer();
    reset_priority();
    if (request->open_files)
        limit_open_files(request->open_files);
    if (setgroups(request->group_count, request->groups) || setresgid(request->gid, request->gid, request->gid)
        || setresuid(request->uid, request->uid, request->uid))
        fail(STEP_SPAWN);
    if (chdir(request->workdir))
        fail(STEP_WORKDIR);
    unblock_signals();
    execute(request->argv, request->env);
    fail(STEP_EXEC);
}
