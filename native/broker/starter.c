#include "starter.h"

#include "beneath.h"
#include "machine.h"
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
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/machines/%s/sock", broker->run_path, label);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) ||
        lchown(address.sun_path, broker->daemon_uid, broker->daemon_gid) || chmod(address.sun_path, 0600) ||
        listen(fd, BACKLOG))
        return fail(out, STEP_SOCKET, "%s", label);
    return fd;
}

static int start_machine(struct machine_start *start, pid_t *pid, struct outcome *out)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return fail(out, STEP_FORK, "pipe");
    /* A child of the broker, not of this process: it is the broker that watches and reaps it. */
    struct clone_args arguments = { .flags = CLONE_NEWNS | CLONE_PARENT };
    *pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (*pid < 0)
        return fail(out, STEP_FORK, "clone3");
    if (*pid == 0)
        machine_become(start, report[1]);
    close(report[1]);
    ssize_t n;
    while ((n = read(report[0], &out->wire, sizeof out->wire)) < 0 && errno == EINTR)
        ;
    close(report[0]);
    if (n == 0)
        return 0;
    if (n != (ssize_t)sizeof out->wire)
        return fail_with(out, EIO, STEP_FORK, "no report");
    return -1;
}

static int serve(const struct broker *broker, unsigned slot, int userns, const struct start_request *request,
                 pid_t *pid, struct outcome *out)
{
    char label[HEX8], name[8];
    struct limits limits = { request->memory_bytes, request->cpu_milli, request->pids_max };
    struct machine_start start = { .broker = broker, .request = request, .slot = slot, .userns = userns };
    hex(request->label.bytes, 8, label);
    slot_name(slot, name);
    if (cgroup_limit(&broker->cgroups, name, &limits, out))
        return -1;
    if (sethostname(request->hostname, strlen(request->hostname)))
        return fail(out, STEP_NAMESPACES, "host name");
    start.socket = make_socket(broker, label, out);
    if (start.socket < 0)
        return -1;
    return start_machine(&start, pid, out);
}

_Noreturn void starter_run(const struct broker *broker, unsigned slot, int channel)
{
    struct starter_report report = { 0 };
    struct outcome out = { 0 };
    struct start_request request;
    int userns = -1;
    pid_t pid = 0;
    /* A starter without its broker has nobody to start for. Asked after prctl, in case the broker went just before. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "squash-starter");
    if (getppid() != broker->pid)
        _exit(1);
    int bad = prepare(broker, slot, &userns, &out);
    report.outcome = out.wire;
    if (send(channel, &report, sizeof report, MSG_NOSIGNAL) < 0 || bad)
        _exit(1);
    if (recv(channel, &request, sizeof request, 0) != (ssize_t)sizeof request)
        _exit(1);
    serve(broker, slot, userns, &request, &pid, &out);
    report.outcome = out.wire;
    report.pid = pid;
    _exit(send(channel, &report, sizeof report, MSG_NOSIGNAL) < 0);
}
