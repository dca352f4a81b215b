#include "starter.h"

#include "beneath.h"
#include "machine.h"
#include "order.h"
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512

struct starter {
    unsigned slot;
    int userns;
    pid_t pid;   /* of what becomes PID 1 */
    int machine; /* the channel to it */
    struct order order;
};

void slot_name(unsigned slot, char name[8])
{
    snprintf(name, 8, "s%04u", slot % 10000);
}

static int prepare(const struct broker *broker, unsigned slot, int *userns, struct outcome *out)
{
    char name[8];
    slot_name(slot, name);
    if (cgroup_make(&broker->cgroups, name, out) || cgroup_enter(&broker->cgroups, name, out))
        return -1;
    /* Before the pid namespace: the first child after that is PID 1. */
    *userns = userns_make(slot_uid(broker, slot), out);
    if (*userns < 0)
        return -1;
    if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID))
        return fail(out, STEP_NAMESPACES, "unshare");
    return network_prepare(out);
}

/* The agent's socket, bound where the daemon finds it; it listens before PID 1 exists, so that a connect never fails. */
static int make_socket(const struct broker *broker, const char *label, struct outcome *out)
{
    /*
     * Kernel: /proc/net/unix of the sandbox's network namespace shows the address as bind() got it. From inside its folder
     * that is a name which tells nothing of the host.
     */
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "sock" };
    char path[48];
    snprintf(path, sizeof path, "machines/%s", label);
    int folder = open_beneath(broker->run, path, O_RDONLY | O_DIRECTORY, 0);
    int fd = folder < 0 || fchdir(folder) ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) ||
        lchown(address.sun_path, broker->daemon_uid, broker->daemon_gid) || chmod(address.sun_path, 0600) ||
        listen(fd, BACKLOG))
        return fail(out, STEP_SOCKET, "%s", label);
    close(folder);
    return fd;
}

/* One report of PID 1; nothing when it has become the agent. */
static int hear(int channel, struct outcome *out)
{
    ssize_t n;
    while ((n = recv(channel, &out->wire, sizeof out->wire, 0)) < 0 && errno == EINTR)
        ;
    if (n == 0)
        return 0;
    if (n != (ssize_t)sizeof out->wire)
        return fail_with(out, EIO, STEP_FORK, "no report");
    return out->wire.error ? -1 : 1;
}

static int fork_machine(struct machine_start *start, struct starter *starter, struct outcome *out)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fail(out, STEP_FORK, "socketpair");
    /* A child of the broker, not of this process: it is the broker that watches and reaps it. */
    struct clone_args arguments = { .flags = CLONE_NEWNS | CLONE_PARENT };
    starter->pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (starter->pid < 0)
        return fail(out, STEP_FORK, "clone3");
    if (starter->pid == 0) {
        close(ends[0]);
        machine_become(start, ends[1]);
    }
    close(ends[1]);
    starter->machine = ends[0];
    int heard = hear(starter->machine, out);
    return heard == 0 ? fail_with(out, EIO, STEP_FORK, "it ended") : heard < 0 ? -1 : 0;
}

static int serve(const struct broker *broker, struct starter *starter, struct outcome *out)
{
    char label[HEX8], name[8];
    const struct start_request *request = &starter->order.request;
    struct limits limits = { request->memory_bytes, request->cpu_milli, request->pids_max };
    hex(request->label.bytes, 8, label);
    slot_name(starter->slot, name);
    if (cgroup_limit(&broker->cgroups, name, &limits, out))
        return -1;
    if (sethostname(request->hostname, strlen(request->hostname)))
        return fail(out, STEP_NAMESPACES, "host name");
    starter->order.socket = make_socket(broker, label, out);
    if (starter->order.socket < 0 || order_take_trees(&starter->order, broker, starter->userns, out))
        return -1;
    if (order_send(starter->machine, &starter->order))
        return fail(out, STEP_FORK, "send");
    return hear(starter->machine, out);
}

static int make_ready(const struct broker *broker, struct starter *starter, struct outcome *out)
{
    if (prepare(broker, starter->slot, &starter->userns, out))
        return -1;
    struct machine_start start = { .broker = broker, .slot = starter->slot, .userns = starter->userns };
    return fork_machine(&start, starter, out);
}

_Noreturn void starter_run(const struct broker *broker, unsigned slot, int channel)
{
    static struct starter starter;
    struct outcome out = { 0 };
    starter.slot = slot;
    /* A starter without its broker has nobody to start for. Asked after prctl, in case the broker went just before. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "squash-starter");
    if (getppid() != broker->pid)
        _exit(1);
    int bad = make_ready(broker, &starter, &out);
    struct starter_report report = { out.wire, starter.pid };
    if (send(channel, &report, sizeof report, MSG_NOSIGNAL) < 0 || bad)
        _exit(1);
    struct start_request *request = &starter.order.request;
    if (recv(channel, request, sizeof *request, 0) != (ssize_t)sizeof *request)
        _exit(1);
    serve(broker, &starter, &out);
    report.outcome = out.wire;
    _exit(send(channel, &report, sizeof report, MSG_NOSIGNAL) < 0);
}
