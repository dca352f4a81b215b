/*
 * `agent-launch SOCKET AGENT [FIRST_ID [PROCESSES]]`: runs the agent as PID 1 of pid and mount namespaces of its own,
 * listening on SOCKET.
 * With FIRST_ID also as root of a user namespace of 65,536 ids from there, with the bounding set of a real sandbox;
 * with PROCESSES also with so many processes at most (RLIMIT_NPROC, which is counted by the id outside).
 * Prints the pid of the agent, and ends it when stdin ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#define LISTEN_FD 3

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "agent-launch: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void listen_on(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    check(strlen(path) < sizeof address.sun_path, "socket path");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address) && !listen(fd, 4096), "listen");
    check(fd == LISTEN_FD || dup2(fd, LISTEN_FD) == LISTEN_FD, "dup2");
    check(!fcntl(LISTEN_FD, F_SETFD, 0), "fcntl");
}

static bool is_kept(unsigned long capability)
{
    static const unsigned long kept[] = { CAP_CHOWN,      CAP_DAC_OVERRIDE,     CAP_FOWNER,     CAP_FSETID,
                                          CAP_KILL,       CAP_SETGID,           CAP_SETUID,     CAP_SETPCAP,
                                          CAP_SETFCAP,    CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_MKNOD,
                                          CAP_AUDIT_WRITE };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] == capability)
            return true;
    return false;
}

static void enter_user_namespace(int request, int done)
{
    char byte = 0;
    check(!unshare(CLONE_NEWUSER), "unshare user");
    check(write(request, &byte, 1) == 1 && read(done, &byte, 1) == 1, "map");
    check(!setresgid(0, 0, 0) && !setresuid(0, 0, 0), "become root");
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        if (!is_kept(capability))
            check(!prctl(PR_CAPBSET_DROP, capability), "bounding set");
}

static void limit_processes(const char *count)
{
    struct rlimit limit = { .rlim_cur = strtoul(count, NULL, 10), .rlim_max = strtoul(count, NULL, 10) };
    check(!setrlimit(RLIMIT_NPROC, &limit), "process limit");
}

static _Noreturn void become_agent(const char *program, bool mapped, int request, int done)
{
    char *argv[] = { "squash-agent", "3", NULL };
    char *env[] = { NULL };
    check(!prctl(PR_SET_PDEATHSIG, SIGKILL), "pdeathsig");
    check(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    check(!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount /proc");
    int fd = open(program, O_PATH | O_CLOEXEC);
    check(fd >= 0, program);
    if (mapped)
        enter_user_namespace(request, done);
    syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
    check(false, "execveat");
    abort();
}

static void write_map(pid_t pid, const char *name, const char *first_id)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    check(fd >= 0 && dprintf(fd, "0 %s 65536\n", first_id) > 0, path);
    close(fd);
}

static void map_ids(pid_t pid, const char *first_id, int request, int done)
{
    char byte;
    check(read(request, &byte, 1) == 1, "map request");
    write_map(pid, "uid_map", first_id);
    write_map(pid, "gid_map", first_id);
    check(write(done, &byte, 1) == 1, "map done");
}

int main(int argc, char **argv)
{
    int request[2], done[2];
    if (argc < 3) {
        fputs("usage: agent-launch SOCKET AGENT [FIRST_ID [PROCESSES]]\n", stderr);
        return 2;
    }
    listen_on(argv[1]);
    check(!pipe2(request, O_CLOEXEC) && !pipe2(done, O_CLOEXEC), "pipe");
    check(!unshare(CLONE_NEWPID), "unshare");
    /* As the broker does: else the agent waits for its turn behind a fork bomb. */
    check(!setpriority(PRIO_PROCESS, 0, -20), "setpriority");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0 && argc > 4)
        limit_processes(argv[4]);
    if (pid == 0)
        become_agent(argv[2], argc > 3, request[1], done[0]);
    if (argc > 3)
        map_ids(pid, argv[3], request[0], done[1]);
    close(LISTEN_FD);
    printf("%d\n", pid);
    fflush(stdout);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(argv[1]);
    return 0;
}
