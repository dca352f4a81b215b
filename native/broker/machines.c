/* The life of a slot: prepared, ready, starting, running, ending, cleaned. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 60000 /* to prepare, and to start: far more than the busiest host takes */
#define REFILL_AFTER_MS 50
#define PREPARING_AT_ONCE 4 /* starters; a burst of starts needs the processors more */

static unsigned slot_of(const struct server *server, const struct machine *machine)
{
    return (unsigned)(machine - server->machines);
}

static int is_labelled(const struct machine *machine)
{
    return (machine->state >= MACHINE_STARTING && machine->state != MACHINE_STUCK) ||
           (machine->state == MACHINE_PREPARING && machine->wanted);
}

struct machine *machine_of(struct server *server, const key_t8 *label)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (is_labelled(&server->machines[i]) && !memcmp(&server->machines[i].label, label, sizeof *label))
            return &server->machines[i];
    return NULL;
}

int machine_has_upper(const struct server *server, const key_t8 *upper)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct machine *machine = &server->machines[i];
        /* Of one that could not be cleaned, processes may be alive. */
        if ((is_labelled(machine) || machine->state == MACHINE_STUCK) &&
            (!memcmp(&machine->upper, upper, sizeof *upper) ||
             (machine->is_restacking && !memcmp(&machine->next_upper, upper, sizeof *upper))))
            return 1;
    }
    return 0;
}

int machines_running(const struct server *server)
{
    int count = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        count += is_labelled(&server->machines[i]);
    return count;
}

static struct machine *in_state(struct server *server, enum machine_state state)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (server->machines[i].state == state)
            return &server->machines[i];
    return NULL;
}

static int starter_fork(struct server *server, struct machine *machine, struct outcome *out)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fail(out, STEP_WORKER, "socketpair");
    pid_t pid = fork();
    if (pid == 0) {
        leave_loop(server);
        starter_run(&server->broker, slot_of(server, machine), ends[1]);
    }
    if (pid < 0 || watch(server, ends[0], WATCH_STARTER, slot_of(server, machine))) {
        fail(out, STEP_WORKER, "fork");
        end_unwatched(pid);
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    close(ends[1]);
    machine->state = MACHINE_PREPARING;
    machine->deadline_ms = now_ms() + START_MS;
    machine->starter = pid;
    machine->channel = ends[0];
    machine->pidfd = -1;
    return 0;
}

static void release_starter(struct server *server, struct machine *machine)
{
    if (machine->channel >= 0)
        unwatch(server, machine->channel);
    machine->channel = -1;
    if (machine->starter > 0) {
        kill(machine->starter, SIGKILL);
        while (waitpid(machine->starter, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    machine->starter = 0;
}

/* Of one that is not to become a sandbox; ours to reap, as it is a child of the broker. */
static void end_init(struct machine *machine)
{
    end_unwatched(machine->pid);
    machine->pid = 0;
}

void machines_keep_ready(struct server *server)
{
    unsigned ready = 0, preparing = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        ready += server->machines[i].state == MACHINE_READY;
        preparing += server->machines[i].state == MACHINE_PREPARING;
    }
    while (!server->stopping && !server->ready_paused && ready + preparing < server->ready_wanted &&
           preparing < PREPARING_AT_ONCE) {
        struct outcome out = { 0 };
        struct machine *machine = in_state(server, MACHINE_FREE);
        if (!machine || starter_fork(server, machine, &out))
            return;
        preparing++;
    }
}

void machines_keep_ready_later(struct server *server)
{
    unsigned ready = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        ready += server->machines[i].state == MACHINE_READY;
    if (ready * 4 < server->ready_wanted)
        return machines_keep_ready(server);
    server->refill_at_ms = now_ms() + REFILL_AFTER_MS;
}

/* Hands the request to a starter that waits; what becomes of it is told by machine_starter_spoke(). */
static void hand_over(struct server *server, struct machine *machine)
{
    struct outcome out = { 0 };
    machine->state = MACHINE_STARTING;
    machine->wanted = 0;
    machine->deadline_ms = now_ms() + START_MS;
    struct machine_note note = { machine->label, machine->upper, slot_of(server, machine), 0 };
    if (!machine_folder_make(&server->broker, &note, &out) &&
        send(machine->channel, machine->request, sizeof *machine->request, MSG_NOSIGNAL) < 0)
        fail(&out, STEP_WORKER, "the starter is gone");
    free(machine->request);
    machine->request = NULL;
    if (!out.wire.error)
        return;
    machine->failure.outcome = out.wire;
    release_starter(server, machine);
    end_init(machine);
    machine->state = MACHINE_DEAD;
    machines_clean(server);
}

void machine_start_requested(struct server *server, uint32_t id, const struct start_request *request)
{
    struct outcome out = { 0 };
    struct machine *machine = NULL;
    if (server->stopping)
        fail_with(&out, ESHUTDOWN, STEP_MACHINE, "the broker stops");
    else if (machine_of(server, &request->label))
        fail_with(&out, EEXIST, STEP_MACHINE, "it runs");
    else if (machine_has_upper(server, &request->upper))
        fail_with(&out, EBUSY, STEP_UPPER, "another sandbox has it");
    else if ((machine = in_state(server, MACHINE_READY)))
        ;
    else if (!(machine = in_state(server, MACHINE_FREE)))
        fail_with(&out, EDQUOT, STEP_SLOT, "%u slots are in use", SLOTS);
    else
        starter_fork(server, machine, &out);
    if (!out.wire.error && !(machine->request = malloc(sizeof *request)))
        fail(&out, STEP_REQUEST, "memory");
    if (out.wire.error)
        return reply(server, OP_SANDBOX_START, id, &out.wire, NULL, 0);
    memcpy(machine->request, request, sizeof *request);
    machine->label = request->label;
    machine->upper = request->upper;
    machine->start_id = id;
    machine->stop_id = 0;
    machine->wanted = 1;
    if (machine->state == MACHINE_READY)
        hand_over(server, machine);
}

/* The end of a start, well or not. */
static void started(struct server *server, struct machine *machine, const struct starter_report *report)
{
    struct outcome out = { .wire = report->outcome };
    unsigned slot = slot_of(server, machine);
    struct machine_note note = { machine->label, machine->upper, slot, machine->pid };
    machine->pidfd = machine->pid > 0 ? pidfd_open(machine->pid, 0) : -1;
    if (!out.wire.error && (machine->pidfd < 0 || watch(server, machine->pidfd, WATCH_PIDFD, slot) ||
                            machine_folder_update(&server->broker, &note)))
        fail(&out, STEP_FORK, "watch PID 1");
    if (!out.wire.error) {
        uint32_t answer[2] = { (uint32_t)machine->pid, 0 };
        machine->state = MACHINE_RUNNING;
        reply(server, OP_SANDBOX_START, machine->start_id, &out.wire, answer, sizeof answer);
        machine->start_id = 0;
        server->ready_paused = 0;
        return machines_keep_ready_later(server);
    }
    machine->failure.outcome = out.wire;
    end_init(machine);
    if (machine->pidfd >= 0)
        unwatch(server, machine->pidfd);
    machine->pidfd = -1;
    machine->state = MACHINE_DEAD;
    machines_clean(server);
}

void machine_starter_spoke(struct server *server, unsigned slot)
{
    struct machine *machine = &server->machines[slot];
    struct starter_report report = { 0 };
    if (machine->channel < 0)
        return;
    ssize_t n = recv(machine->channel, &report, sizeof report, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != (ssize_t)sizeof report) {
        memset(&report, 0, sizeof report);
        report.outcome.error = EIO;
        report.outcome.step = STEP_WORKER;
        strcpy(report.outcome.text, "the starter died");
    }
    if (machine->state == MACHINE_PREPARING && !report.outcome.error) {
        machine->state = MACHINE_READY;
        machine->pid = report.pid;
        if (machine->wanted)
            hand_over(server, machine);
        return machines_keep_ready(server);
    }
    int was_starting = machine->state == MACHINE_STARTING;
    /* One that has started its machine ends by itself, and is reaped as a stray: the next start does not wait for that. */
    if (was_starting && !report.outcome.error)
        machine->starter = 0;
    release_starter(server, machine);
    if (was_starting)
        return started(server, machine, &report);
    say("cannot prepare slot %u: %s: %s (%s)", slot, step_text(report.outcome.step), report.outcome.text,
        strerror((int)report.outcome.error));
    end_init(machine);
    /* Not tried again before the next start asks for one: what is wrong with this host will still be wrong. */
    server->ready_paused = 1;
    machine->failure = report;
    if (!machine->wanted)
        machine->start_id = 0;
    free(machine->request);
    machine->request = NULL;
    machine->wanted = 0;
    machine->state = MACHINE_DEAD;
    machines_clean(server);
}

void machines_check_deadlines(struct server *server)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct machine *machine = &server->machines[i];
        /* Its end closes the channel, which is how the loop hears of it; what it has started ends with the slot's groups. */
        if ((machine->state == MACHINE_PREPARING || machine->state == MACHINE_STARTING) && machine->starter > 0 &&
            now_ms() >= machine->deadline_ms)
            kill(machine->starter, SIGKILL);
    }
}

void machine_stop_requested(struct server *server, uint32_t id, const key_t8 *label)
{
    struct machine *machine = machine_of(server, label);
    struct outcome out = { 0 };
    if (!machine)
        return reply(server, OP_SANDBOX_STOP, id, &out.wire, NULL, 0);
    if (machine->state != MACHINE_RUNNING || machine->stop_id) {
        fail_with(&out, EBUSY, STEP_MACHINE, "it is starting or ending");
        return reply(server, OP_SANDBOX_STOP, id, &out.wire, NULL, 0);
    }
    machine->stop_id = id;
    machine->state = MACHINE_ENDING;
    workers_end_captures(server, label);
    /* The end of PID 1 is the end of its pid namespace; a frozen v1 group must be thawed to notice. */
    char name[8];
    slot_name(slot_of(server, machine), name);
    pidfd_send_signal(machine->pidfd, SIGKILL, NULL, 0);
    cgroup_freeze(&server->broker.cgroups, name, 0);
}

void machine_ended(struct server *server, unsigned slot)
{
    struct machine *machine = &server->machines[slot];
    if (machine->pidfd < 0)
        return;
    if (machine->state == MACHINE_RUNNING)
        event_exited(server, machine);
    /* Ours to reap unless an earlier broker started it: then it is somebody else's child. */
    waitpid(machine->pid, NULL, WNOHANG);
    unwatch(server, machine->pidfd);
    machine->pidfd = -1;
    machine->state = MACHINE_DEAD;
    machines_clean(server);
}

static int clean(const struct broker *broker, const void *request, struct outcome *out)
{
    const struct machine *machine = request;
    unsigned slot = (unsigned)(machine->failure.pid); /* see machines_clean() */
    char name[8];
    slot_name(slot, name);
    if (kill_members(broker, name))
        return fail(out, STEP_KILL, "%s", name);
    if (cgroup_remove(&broker->cgroups, name))
        return fail(out, STEP_CGROUP, "remove %s", name);
    if (machine_folder_remove(broker, &machine->label))
        return fail(out, STEP_MACHINE, "remove");
    return 0;
}

void machines_clean(struct server *server)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct machine *machine = &server->machines[i];
        struct outcome out = { 0 };
        if (machine->state != MACHINE_DEAD)
            continue;
        machine->failure.pid = (int32_t)i;
        struct errand errand = { .slot = i, .run = clean, .request = machine, .deadline_ms = 20000 };
        if (worker_start(server, &errand, &out))
            return; /* tried again by the loop */
        machine->state = MACHINE_CLEANING;
    }
}

void machine_cleaned(struct server *server, unsigned slot, const struct wire_outcome *outcome)
{
    struct machine *machine = &server->machines[slot];
    uint32_t start_id = machine->start_id, stop_id = machine->stop_id;
    struct wire_outcome failure = machine->failure.outcome;
    key_t8 upper = machine->upper;
    if (outcome->error)
        say("cannot clean slot %u: %s: %s (%s)", slot, step_text(outcome->step), outcome->text,
            strerror((int)outcome->error));
    memset(machine, 0, sizeof *machine);
    machine->state = outcome->error ? MACHINE_STUCK : MACHINE_FREE;
    if (outcome->error)
        machine->upper = upper;
    machine->channel = machine->pidfd = -1;
    if (start_id)
        reply(server, OP_SANDBOX_START, start_id, &failure, NULL, 0);
    if (stop_id)
        reply(server, OP_SANDBOX_STOP, stop_id, outcome, NULL, 0);
    machines_keep_ready(server);
}

void machines_forget_requests(struct server *server)
{
    for (unsigned i = 0; i < SLOTS; i++)
        server->machines[i].start_id = server->machines[i].stop_id = 0;
}

void machines_drop_starters(struct server *server)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct machine *machine = &server->machines[i];
        if (machine->state != MACHINE_READY && !(machine->state == MACHINE_PREPARING && !machine->wanted))
            continue;
        release_starter(server, machine);
        end_init(machine);
        machine->state = MACHINE_DEAD;
    }
    machines_clean(server);
}
