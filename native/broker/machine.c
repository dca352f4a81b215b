#include "machine.h"

#include "order.h"
#include "rlimit-lower.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AGENT_SOCKET 3 /* where the agent expects its socket */

static int set_limits(struct outcome *out)
{
    static const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        { RLIMIT_NOFILE, 65536 },
        /* Kernel: 1, and only 1, also keeps a core_pattern that pipes from running its program, which is the host's. */
        { RLIMIT_CORE, 1 },
        { RLIMIT_NPROC, RLIM_INFINITY }, /* the pids cgroup counts */
        { RLIMIT_MEMLOCK, 8 << 20 },     /* the kernel's default */
        { RLIMIT_MSGQUEUE, 819200 },     /* the kernel's default */
        { RLIMIT_NICE, 0 },
        { RLIMIT_RTPRIO, 0 },
        { RLIMIT_FSIZE, RLIM_INFINITY },
        { RLIMIT_STACK, 8 << 20 },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (rlimit_lower(limits[i].resource, limits[i].value))
            return fail(out, STEP_LIMITS, "rlimit %d", limits[i].resource);
    return 0;
}

/* Nothing of the broker comes along: signal dispositions, mask, descriptors, umask, name. */
static void clean_up(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    /*
     * The agent before its commands, within the sandbox's own share of the processor: a fork bomb must not starve what
     * ends it. Without CAP_SYS_NICE, as in many containers, the broker's freezer still ends it, if later.
     */
    if (setpriority(PRIO_PROCESS, 0, -20) && errno != EACCES && errno != EPERM)
        _exit(1);
    umask(022);
}

/*
 * Leaves nothing open but what is still needed: 0…2 lead nowhere, 3 is the agent's socket, the others end with exec.
 * Security: what follows looks up paths of hostile layers, and /proc/self/fd/N/.. would lead from a descriptor of the
 * broker's into the host's files.
 */
static int arrange_descriptors(struct machine_start *start, int *agent, int *report, struct outcome *out)
{
    int *const kept[] = { &start->socket, agent, report, &start->userns, &start->sysctl };
    int high[sizeof kept / sizeof *kept];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int bad = null < 0;
    /* Copies above them first, so that none is overwritten before it was copied. */
    for (unsigned i = 0; i < sizeof kept / sizeof *kept && !bad; i++)
        bad = (high[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, 16)) < 0;
    for (int fd = 0; fd < 3 && !bad; fd++)
        bad = dup2(null, fd) < 0;
    for (unsigned i = 0; i < sizeof kept / sizeof *kept && !bad; i++) {
        *kept[i] = AGENT_SOCKET + (int)i;
        bad = dup3(high[i], *kept[i], i == 0 ? 0 : O_CLOEXEC) < 0;
    }
    if (bad || close_range(AGENT_SOCKET + sizeof kept / sizeof *kept, ~0u, 0))
        return fail(out, STEP_EXEC, "descriptors");
    return 0;
}

static int prepare(struct machine_start *start, struct outcome *out)
{
    clean_up();
    return set_limits(out) || stage_enter(start, out) ? -1 : 0;
}

static int become(struct machine_start *start, const struct order *order, int *channel, struct outcome *out)
{
    static char *const arguments[] = { "squash-agent", "3", NULL };
    static char *const environment[] = { NULL };
    int agent = start->broker->agent;
    if (rootfs_build(start, order, out) || rootfs_attach(start, out) || inside_move(start, out) ||
        rootfs_enter(start, out) || arrange_descriptors(start, &agent, channel, out) || privileges_drop(start, out))
        return -1;
    syscall(SYS_execveat, agent, "", arguments, environment, AT_EMPTY_PATH);
    return fail(out, STEP_EXEC, "squash-agent");
}

static int report(int channel, const struct outcome *out)
{
    return send(channel, &out->wire, sizeof out->wire, MSG_NOSIGNAL) == (ssize_t)sizeof out->wire ? 0 : -1;
}

_Noreturn void machine_become(struct machine_start *start, int channel)
{
    static struct order order;
    struct outcome out = { 0 };
    prctl(PR_SET_NAME, "squash-machine");
    int bad = prepare(start, &out);
    /* The channel ends when the starter does: then nobody needs this machine. */
    if (report(channel, &out) || bad || order_receive(channel, &order))
        _exit(1);
    start->request = &order.request;
    start->socket = order.socket;
    become(start, &order, &channel, &out);
    report(channel, &out);
    _exit(1);
}
