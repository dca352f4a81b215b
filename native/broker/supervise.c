/* The daemon: started under its own user, started again when it dies, never with more than its own descriptors. */
#include "beneath.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#define STOP_MS 10000 /* what it gets to end by itself */

static _Noreturn void become_daemon(const struct server *server, int socket)
{
    const struct broker *broker = &server->broker;
    signal(SIGPIPE, SIG_DFL);
    setenv("SQUASH_BROKER_FD", "3", 1);
    setenv("SQUASH_RUN", broker->run_path, 1);
    setenv("SQUASH_DATA", broker->data_path, 1);
    umask(077);
    /* Back to the host's mounts: layers, uppers and overlays are nothing that the daemon should see. */
    if (setns(broker->host_mounts, CLONE_NEWNS) || dup2(socket, DAEMON_SOCKET) < 0 ||
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

/* The pid is noted with a lock on the file, so that a broker that comes after a crash ends this daemon and no other process. */
static void note_daemon(const struct server *server)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%d\n", (int)server->daemon);
    int fd = openat(server->broker.run, "daemon", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)length) != length)
        say("cannot note the daemon's pid: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* A daemon of a broker that was killed is going away, but must not write records beside the next one. */
void daemon_end_stale(const struct server *server)
{
    char text[32], path[48];
    struct stat owner;
    if (read_knob(server->broker.run, "daemon", text, sizeof text) <= 0)
        return;
    pid_t pid = atoi(text);
    int fd = pid > 1 ? pidfd_open(pid, 0) : -1;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    /* Asked after the pidfd is open: a pid that was used again since belongs to another user, or to a squash of ours. */
    if (fd >= 0 && !stat(path, &owner) && owner.st_uid == server->broker.daemon_uid) {
        char environment[65536], wanted[96];
        snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
        snprintf(wanted, sizeof wanted, "SQUASH_RUN=%s", server->broker.run_path);
        ssize_t length = read_knob(AT_FDCWD, path, environment, sizeof environment);
        if (length > 0 && memmem(environment, (size_t)length, wanted, strlen(wanted) + 1)) {
            pidfd_send_signal(fd, SIGKILL, NULL, 0);
            for (int tries = 0; tries < 500 && !kill(pid, 0); tries++)
                usleep(10000);
        }
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
    close(ends[1]);
    if (pid < 0 || watch(server, ends[0], WATCH_DAEMON, 0)) {
        say("cannot start squashd: %s", strerror(errno));
        close(ends[0]);
        server->spawn_at_ms = now_ms() + BACKOFF_MAX_MS;
        return;
    }
    connection_close(server);
    server->daemon = pid;
    server->connection = ends[0];
    server->daemon_ready = 0;
    note_daemon(server);
}

void daemon_died(struct server *server, int status)
{
    uint64_t now = now_ms();
    server->daemon = 0;
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
    uint64_t backoff = server->daemon_ready ? 0 : 100u << server->deaths;
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
