#include "capture.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int workers_busy(const struct server *server)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (!server->workers[i].pid)
            return 0;
    return 1;
}

int worker_holds(const struct server *server, const uint8_t key[33])
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (server->workers[i].pid && server->workers[i].keyed && !memcmp(server->workers[i].key, key, 33))
            return 1;
    return 0;
}

static _Noreturn void run(struct server *server, const struct errand *errand, int pipe)
{
    struct outcome out = { 0 };
    /* Half of an operation is undone by the next broker, which must not meet the other half. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != server->broker.pid)
        _exit(1);
    prctl(PR_SET_NAME, "squash-worker");
    signal(SIGPIPE, SIG_IGN);
    leave_loop(server);
    if (errand->run(&server->broker, errand->request, &out) && !out.wire.error)
        fail_with(&out, EIO, STEP_WORKER, "no reason given");
    _exit(write(pipe, &out, sizeof out) != (ssize_t)sizeof out);
}

int worker_start(struct server *server, const struct errand *errand, struct outcome *out)
{
    unsigned i = 0;
    while (i < WORKERS && server->workers[i].pid)
        i++;
    if (i == WORKERS)
        return fail_with(out, EAGAIN, STEP_WORKER, "%d workers are busy", WORKERS);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return fail(out, STEP_WORKER, "pipe");
    pid_t pid = fork();
    if (pid == 0)
        run(server, errand, ends[1]);
    if (pid < 0 || watch(server, ends[0], WATCH_WORKER, i)) {
        fail(out, STEP_WORKER, "fork");
        end_unwatched(pid);
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    close(ends[1]);
    struct worker *worker = &server->workers[i];
    *worker = (struct worker){
        .pid = pid,
        .pipe = ends[0],
        .op = errand->op,
        .id = errand->id,
        .slot = errand->slot,
        .keyed = errand->key != NULL,
        .deadline_ms = now_ms() + errand->deadline_ms,
        .generation = server->generation,
    };
    if (errand->key)
        memcpy(worker->key, errand->key, sizeof worker->key);
    return 0;
}

void worker_finished(struct server *server, unsigned index)
{
    struct worker worker = server->workers[index];
    struct outcome out = { 0 };
    ssize_t n;
    if (!worker.pid)
        return;
    while ((n = read(worker.pipe, &out, sizeof out)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof out) {
        memset(&out, 0, sizeof out);
        int late = now_ms() >= worker.deadline_ms;
        fail_with(&out, late ? ETIMEDOUT : EIO, late ? STEP_DEADLINE : STEP_WORKER, "operation %u", worker.op);
    }
    unwatch(server, worker.pipe);
    while (waitpid(worker.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    server->workers[index].pid = 0;
    if (worker.op == OP_CAPTURE && out.wire.error)
        capture_clean(&server->broker, worker.key + 1);
    if (worker.op == OP_RESTACK || worker.op == OP_CAPTURE || worker.op == OP_UPPER_CLONE || worker.op == OP_KILL_TREE)
        machine_worked(server, &worker, &out.wire);
    if (!worker.op)
        machine_cleaned(server, worker.slot, &out.wire);
    else if (worker.generation == server->generation)
        reply(server, worker.op, worker.id, &out.wire, out.payload, out.payload_length);
    if (server->input_paused) {
        server->input_paused = 0;
        connection_read(server);
    }
}

/* Its end closes the pipe, which is how the loop hears of it. What it runs is of its process group. */
static void end(const struct worker *worker)
{
    kill(worker->pid, SIGKILL);
    kill(-worker->pid, SIGKILL);
}

void workers_check_deadlines(struct server *server)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (server->workers[i].pid && now_ms() >= server->workers[i].deadline_ms)
            end(&server->workers[i]);
}

void workers_end_capture(struct server *server, const key_t8 *label)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *worker = &server->workers[i];
        if (worker->pid && worker->op == OP_CAPTURE && !memcmp(worker->key + 1, label, sizeof *label))
            end(worker);
    }
}
