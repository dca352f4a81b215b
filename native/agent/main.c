/*
 * PID 1 of a sandbox: `squash-agent [listening descriptor]`, started as root of the sandbox with that socket (3 unless
 * said otherwise).
 * It keeps one supervisor waiting for the next connection, reaps, and kills orphans. It reads no request and allocates
 * nothing, so that nothing inside can hurt it.
 */
#include "agent/connection.h"
#include "agent/reply.h"
#include "agent/supervisor.h"
#include "agent/supervisors.h"
#include "agent/tree.h"
#include "agent/wait.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two looks for orphans while they are dying, and after accept() failed for want of memory. */
#define RETRY_MS 5
/* Connections that were refused stay open until this many others were: see linger(). */
#define REFUSED_KEPT 16
/* The other end of NOTICE_FD. */
#define NOTICES_FD 6

static int refused[REFUSED_KEPT];
static size_t refused_next;
static int64_t orphans_at = NO_DEADLINE;
/* The supervisor that waits for the next connection; 0: there is none. */
static pid_t spare;

static void start_spare(void)
{
    if (spare || supervisors_full())
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close_range(NOTICES_FD, ~0U, 0);
        _exit(supervise());
    }
    if (pid < 0)
        return;
    add_supervisor(pid);
    spare = pid;
}

static void take_notices(void)
{
    pid_t pid;
    while (read(NOTICES_FD, &pid, sizeof pid) == (ssize_t)sizeof pid)
        if (pid == spare)
            spare = 0;
}

/* Answers a connection that no supervisor can be had for: too many live, or the sandbox may have no further process. */
static bool refuse_one(void)
{
    uint8_t frame[FRAME_HEADER + ERROR_LENGTH_MAX];
    int connection = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    uint32_t length = put_error(frame + FRAME_HEADER, EAGAIN, STEP_SPAWN, "no further process can be started");
    put_frame_header(frame, FRAME_ERROR, length);
    /* The socket is fresh, so this fits, or the client has gone. */
    (void)!send(connection, frame, FRAME_HEADER + length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (refused[refused_next])
        close(refused[refused_next]);
    refused[refused_next] = connection;
    refused_next = (refused_next + 1) % REFUSED_KEPT;
    return true;
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        /*
         * Invariant: a process becomes a child of PID 1 only when another child of PID 1 dies, and a supervisor that
         * exits with 0 has none left.
         */
        bool left_nothing = remove_supervisor(pid) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!left_nothing && orphans_at == NO_DEADLINE)
            orphans_at = 0;
        if (pid == spare)
            spare = 0;
    }
}

static void kill_orphans(void)
{
    static int64_t last_ms;
    int64_t now = now_ms();
    if (orphans_at == NO_DEADLINE)
        return;
    if (now < last_ms + RETRY_MS) {
        orphans_at = last_ms + RETRY_MS;
        return;
    }
    /* Each one killed comes back through reap(), which asks for the next look. */
    orphans_at = NO_DEADLINE;
    last_ms = now;
    kill_tree_below(1, is_supervisor);
}

static _Noreturn void serve(void)
{
    enum { NOTICES, LISTENER, WATCHED };
    bool out_of_memory = false;
    for (;;) {
        start_spare();
        struct pollfd fds[WATCHED] = {
            [NOTICES] = { .fd = NOTICES_FD, .events = POLLIN },
            /* Only when nobody else waits for a connection. */
            [LISTENER] = { .fd = spare || out_of_memory ? -1 : LISTEN_FD, .events = POLLIN },
        };
        int timeout_ms = out_of_memory ? RETRY_MS : orphans_at == NO_DEADLINE ? -1 : ms_until(orphans_at);
        wait_for_events(fds, WATCHED, timeout_ms);
        if (fds[NOTICES].revents)
            take_notices();
        if (take_child_event())
            reap();
        kill_orphans();
        out_of_memory = false;
        if (fds[LISTENER].revents) {
            start_spare();
            out_of_memory = !spare && !refuse_one();
        }
    }
}

static void fail(const char *what)
{
    fprintf(stderr, "squash-agent: Cannot start: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* 0, 1, 2: /dev/null · 3: the listening socket · 4: /proc · 5, 6: notices · nothing else. */
static void arrange_descriptors(int listener)
{
    struct statfs fs;
    if (listener != LISTEN_FD && dup2(listener, LISTEN_FD) < 0)
        fail("listening socket");
    if (fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) || fcntl(LISTEN_FD, F_SETFL, O_RDWR | O_NONBLOCK))
        fail("listening socket");
    close_range(PROC_FD, ~0U, 0);
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || (proc != PROC_FD && dup3(proc, PROC_FD, O_CLOEXEC) < 0) || fstatfs(PROC_FD, &fs))
        fail("/proc");
    if (fs.f_type != PROC_SUPER_MAGIC)
        errno = ENOTSUP, fail("/proc is not the kernel's");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        fail("/dev/null");
    /* Not close-on-exec: 0 is the stdin of a command that has none. */
    for (int fd = 0; fd < 3; fd++)
        if (null == fd ? fcntl(fd, F_SETFD, 0) : dup2(null, fd) < 0)
            fail("/dev/null");
    close_range(PROC_FD + 1, ~0U, 0);
    int notices[2];
    if (pipe2(notices, O_CLOEXEC | O_NONBLOCK) || dup3(notices[1], 7, O_CLOEXEC) < 0 ||
        dup3(notices[0], NOTICES_FD, O_CLOEXEC) < 0 || dup3(7, NOTICE_FD, O_CLOEXEC) < 0)
        fail("pipe");
    close(7);
}

int main(int argc, char **argv)
{
    if (getpid() != 1) {
        fputs("squash-agent: Cannot start: it is not PID 1\n", stderr);
        return 2;
    }
    /* Security: the image and the memory of the agent are not for the sandbox's root. */
    if (prctl(PR_SET_DUMPABLE, 0))
        fail("PR_SET_DUMPABLE");
    prctl(PR_SET_NAME, "squash-agent");
    umask(022);
    if (chdir("/"))
        fail("/");
    arrange_descriptors(argc > 1 ? atoi(argv[1]) : LISTEN_FD);
    block_signals();
    serve();
}
