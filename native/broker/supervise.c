/* The daemon: started under its own user, started again when it dies, never with more than its own descriptors. */
#include "beneath.h"
#include "process-time.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMON_SOCKET 3
#define DEATHS_MAX 3
#define DEATHS_WINDOW_MS 10000
#define BACKOFF_MAX_MS 1000
#define STALE_MS 5000
#define LIFE_MIN_MS 500 /* a daemon that serves has lived at least so long */

/*
 * Called by the daemon-to-be itself, so that no daemon ever runs that is not noted: a broker that comes after a crash
 * ends it. The rename makes the note whole at every moment.
 */
static int note_daemon(const struct broker *broker)
{
    char text[40];
    int length = snprintf(text, sizeof text, "%d %llu\n", (int)getpid(), process_start_time(getpid()));
    int fd = openat(broker->run, ".daemon", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int bad =
        fd < 0 || write(fd, text, (size_t)length) != length || renameat(broker->run, ".daemon", broker->run, "daemon");
    if (fd >= 0)
        close(fd);
    return bad;
}

/* On this number, whatever it was before, and not closed by exec. */
static int move_descriptor(int from, int to)
{
    return from == to ? fcntl(to, F_SETFD, 0) : dup2(from, to);
}

static _Noreturn void become_daemon(const struct server *server, int socket)
{
    const struct broker *broker = &server->broker;
    signal(SIGPIPE, SIG_DFL);
    setenv("SQUASH_BROKER_FD", "3", 1);
    setenv("SQUASH_RUN", broker->run_path, 1);
    setenv("SQUASH_DATA", broker->data_path, 1);
    umask(077);
    /*
     * Until it is noted it goes with the broker: the change of ids forgets that signal. It goes back to the host's mounts:
     * layers, uppers and overlays are nothing that the daemon should see.
     */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != broker->pid || note_daemon(broker) ||
        setns(broker->host_mounts, CLONE_NEWNS) || move_descriptor(socket, DAEMON_SOCKET) < 0 ||
        close_range(DAEMON_SOCKET + 1, ~0u, 0) || chdir("/") || setgroups(1, &broker->daemon_gid) ||
        setresgid(broker->daemon_gid, broker->daemon_gid, broker->daemon_gid) ||
        setresuid(broker->daemon_uid, broker->daemon_uid, broker->daemon_uid) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        perror("squash-broker: become the daemon's user");
        _exit(126);
    }
    execv(server->command[0], server->command);
    perror(server->command[0]);
    _exit(127);
}

/* A daemon of a broker that was killed is going away, but must not write records beside the next one. */
void daemon_end_stale(const struct server *server)
{
    char text[40];
    int pid = 0;
    unsigned long long started = 0;
    if (read_knob(server->broker.run, "daemon", text, sizeof text) <= 0 ||
        sscanf(text, "%d %llu", &pid, &started) != 2 || pid < 2 || !started)
        return;
    int fd = pidfd_open(pid, 0);
    /* Asked after the pidfd is open: whoever has this pid and started then is the one that was noted. */
    if (fd >= 0 && process_start_time(pid) == started) {
        struct pollfd end = { .fd = fd, .events = POLLIN };
        pidfd_send_signal(fd, SIGKILL, NULL, 0);
        if (poll(&end, 1, STALE_MS) != 1)
            say("an earlier squashd, %d, does not end", pid);
    }
    if (fd >= 0)
        close(fd);
}

void daemon_spawn(struct server *server)
{
    int ends[2];
    server->spawn_at_ms = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        say("cannot start squashd: socketpair: %s", strerror(errno));
        server->spawn_at_ms = now_ms() + BACKOFF_MAX_MS;
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        leave_loop(server);
        become_daemon(server, ends[1]);
    }
    if (pid < 0 || watch(server, ends[0], WATCH_DAEMON, 0)) {
        say("cannot start squashd: %s", strerror(errno));
        end_unwatched(pid);
        close(ends[0]);
        close(ends[1]);
        server->spawn_at_ms = now_ms() + BACKOFF_MAX_MS;
        return;
    }
    close(ends[1]);
    connection_close(server);
    server->daemon = pid;
    server->spawned_ms = now_ms();
    server->connection = ends[0];
    server->daemon_ready = 0;
}

void daemon_died(struct server *server, int status)
{
    uint64_t now = now_ms();
    server->daemon = 0;
    server->kill_at_ms = 0;
    connection_close(server);
    if (server->stopping)
        return;
    if (server->deaths == 0 || now - server->first_death_ms > DEATHS_WINDOW_MS) {
        server->deaths = 0;
        server->first_death_ms = now;
    }
    server->deaths++;
    if (WIFSIGNALED(status))
        say("squashd was ended by signal %d", WTERMSIG(status));
    else
        say("squashd ended with status %d", WEXITSTATUS(status));
    /* A setting that is wrong stays wrong: said once by the daemon, and not tried again. Others get three tries. */
    int hopeless = WIFEXITED(status) && WEXITSTATUS(status) == 2;
    if (!server->daemon_ready && (hopeless || server->deaths >= DEATHS_MAX)) {
        say("squashd does not start: giving up");
        server->failed = server->stopping = 1;
        return;
    }
    /* One that dies as soon as it serves must not take a processor for its starts alone. */
    int lived = server->daemon_ready && now - server->spawned_ms >= LIFE_MIN_MS;
    uint64_t backoff = lived ? 0 : 100u << server->deaths;
    server->spawn_at_ms = now + (backoff > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : backoff);
}

void daemon_stop(struct server *server)
{
    server->stopping = 1;
    if (!server->daemon)
        return;
    kill(server->daemon, SIGTERM);
    server->kill_at_ms = now_ms() + STOP_MS;
}
