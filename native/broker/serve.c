#include "server.h"

#include "capture.h"

#include "run-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS (2 * SLOTS + 2 * WORKERS + 64)
#define LOOK_MS 100 /* between two looks at what nothing else tells of */

uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "squash-broker: ");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int watch(struct server *server, int fd, enum watch kind, unsigned index)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | index };
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

void unwatch(struct server *server, int fd)
{
    /* Kernel: epoll watches the open file, not the descriptor: a copy in a forked child would keep it watched. */
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, fd, NULL);
    close(fd);
}

void leave_loop(struct server *server)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Ctrl-C on the terminal is for the broker, which ends the others in their order. */
    setpgid(0, 0);
    close(server->epoll);
    close(server->signals);
    /* Or the daemon would not notice that the broker is gone as long as this process lives. */
    if (server->connection >= 0)
        close(server->connection);
}

void end_unwatched(pid_t pid)
{
    int error = errno;
    if (pid > 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    errno = error;
}

static int is_known(const struct server *server, pid_t pid)
{
    int known = pid == server->daemon;
    for (unsigned i = 0; i < WORKERS && !known; i++)
        known = pid == server->workers[i].pid;
    for (unsigned i = 0; i < SLOTS && !known; i++)
        known = pid == server->machines[i].starter || pid == server->machines[i].pid;
    return known;
}

void reap_strays(const struct server *server)
{
    /* Those who are known are reaped by their own handlers: one of them at the front only delays the rest. */
    for (siginfo_t child = { 0 };; child.si_pid = 0)
        if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) || !child.si_pid || is_known(server, child.si_pid) ||
            waitpid(child.si_pid, NULL, WNOHANG) <= 0)
            return;
}

static void handle_signal(struct server *server)
{
    struct signalfd_siginfo info;
    while (read(server->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD && !server->stopping)
            daemon_stop(server);
    /* Workers and starters are reaped where their pipe ends, machines where their pidfd does; only the daemon here. */
    int status;
    if (server->daemon && waitpid(server->daemon, &status, WNOHANG) == server->daemon)
        daemon_died(server, status);
}

static void handle_event(struct server *server, const struct epoll_event *event)
{
    unsigned index = (unsigned)event->data.u64;
    switch ((enum watch)(event->data.u64 >> 32)) {
    case WATCH_SIGNALS:
        return handle_signal(server);
    case WATCH_DAEMON:
        return connection_event(server, event->events);
    case WATCH_WORKER:
        return worker_finished(server, index);
    case WATCH_STARTER:
        return machine_starter_spoke(server, index);
    case WATCH_PIDFD:
        return machine_ended(server, index);
    }
}

/*
 * What an earlier daemon asked for is still being made. Its successor must not look around before that is done: it would
 * take what comes to be afterwards for nobody's.
 */
static int is_settling(const struct server *server)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (server->workers[i].pid && server->workers[i].op)
            return 1;
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct machine *machine = &server->machines[i];
        if (machine->state == MACHINE_STARTING || (machine->state == MACHINE_PREPARING && machine->wanted))
            return 1;
    }
    return 0;
}

static void tick(struct server *server)
{
    uint64_t now = now_ms();
    if (now >= server->look_at_ms) {
        server->look_at_ms = now + LOOK_MS;
        workers_check_deadlines(server);
        machines_check_deadlines(server);
        reap_strays(server);
    }
    machines_clean(server);
    if (server->refill_at_ms && now >= server->refill_at_ms) {
        server->refill_at_ms = 0;
        machines_keep_ready(server);
    }
    if (server->kill_at_ms && now >= server->kill_at_ms && server->daemon) {
        say("squashd does not stop: killed");
        kill(server->daemon, SIGKILL);
        server->kill_at_ms = 0;
    }
    if (!server->stopping && server->spawn_at_ms && now >= server->spawn_at_ms && !is_settling(server))
        daemon_spawn(server);
}

/* What must come to its end before the broker may: everything but machines that run on without it. */
static int has_errands(const struct server *server)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (server->workers[i].pid)
            return 1;
    for (unsigned i = 0; i < SLOTS; i++) {
        enum machine_state state = server->machines[i].state;
        if (state != MACHINE_FREE && state != MACHINE_RUNNING && state != MACHINE_STUCK)
            return 1;
    }
    return 0;
}

static void loop(struct server *server)
{
    struct epoll_event events[32];
    while (!server->stopping || server->daemon || has_errands(server)) {
        int count = epoll_wait(server->epoll, events, 32, LOOK_MS);
        if (server->stopping && !server->daemon)
            machines_drop_starters(server);
        /* One event may close what a later one of the same batch speaks of: each handler looks again at its object. */
        for (int i = 0; i < count; i++)
            handle_event(server, &events[i]);
        tick(server);
    }
}

/* A descriptor for each sandbox and for each starter: more than the 1024 that a process usually starts with. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int prepare_loop(struct server *server)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    server->connection = -1;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->signals < 0 ? -1 : watch(server, server->signals, WATCH_SIGNALS, 0);
}

int serve(struct server *server)
{
    struct outcome out = { 0 };
    server->broker.pid = getpid();
    if (prepare_loop(server)) {
        say("cannot start: %s", strerror(errno));
        return 1;
    }
    daemon_end_stale(server);
    captures_clean(&server->broker);
    if (machines_adopt(server, &out)) {
        say("cannot adopt machines: %s: %s (%s)", step_text(out.wire.step), out.wire.text,
            strerror((int)out.wire.error));
        return 1;
    }
    machines_keep_ready(server);
    daemon_spawn(server);
    loop(server);
    if (!machines_running(server)) {
        cgroups_close(&server->broker.cgroups);
        run_folder_remove(&server->broker);
        id_block_release(&server->broker);
    }
    return server->failed ? 1 : 0;
}
