/* The end of what froze a machine. */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

/* Notes which upper the machine has now. One that nobody can tell, or note for the next broker, is ended: its data is kept. */
static void restacked(struct server *server, const struct worker *worker, struct wire_outcome *outcome)
{
    struct machine *machine = &server->machines[worker->slot];
    int is_unknown =
        outcome->step == STEP_WORKER || outcome->step == STEP_DEADLINE || outcome->error == ENOTRECOVERABLE;
    if (!outcome->error) {
        struct machine_note note = { machine->label, machine->next_upper, worker->slot, machine->pid };
        struct outcome out = { 0 };
        if ((is_unknown = machine_folder_update(&server->broker, &note)))
            fail(&out, STEP_MACHINE, "note the upper");
        *outcome = out.wire;
        machine->upper = machine->next_upper;
    }
    machine->is_restacking = is_unknown;
    if (is_unknown)
        pidfd_send_signal(machine->pidfd, SIGKILL, NULL, 0);
}

void machine_worked(struct server *server, const struct worker *worker, struct wire_outcome *outcome)
{
    struct machine *machine = &server->machines[worker->slot];
    char name[8];
    slot_name(worker->slot, name);
    int is_running = machine->state == MACHINE_RUNNING;
    if ((!is_running && machine->state != MACHINE_ENDING) ||
        memcmp(machine->label.bytes, worker->key + 1, sizeof machine->label))
        return;
    if (worker->op == OP_RESTACK && is_running)
        restacked(server, worker, outcome);
    /* A worker that was killed left it frozen, perhaps just after STOP had thawed it: then PID 1 does not notice its end. */
    if (cgroup_freeze(&server->broker.cgroups, name, 0))
        say("cannot thaw slot %u: %s", worker->slot, strerror(errno));
}
