#include "kill-choice.h"

#include <stdlib.h>

enum kinship { UNKNOWN, ASKED, KIN, STRANGER };

static int by_pid(const void *a, const void *b)
{
    pid_t left = ((const struct process *)a)->pid, right = ((const struct process *)b)->pid;
    return (left > right) - (left < right);
}

static struct process *find(struct process *processes, int count, pid_t pid)
{
    struct process key = { .pid = pid };
    return bsearch(&key, processes, (size_t)count, sizeof *processes, by_pid);
}

/*
 * Makes kin of every descendant of those who are. Each process is walked over twice at most, because a sandbox chooses
 * how deep its tree is; a loop, which a table read from living processes may show, leads nowhere.
 */
static void spread(struct process *processes, int count)
{
    for (int i = 0; i < count; i++) {
        struct process *at = &processes[i];
        for (; at && at->kin == UNKNOWN; at = find(processes, count, at->parent))
            at->kin = ASKED;
        int found = at && at->kin == KIN ? KIN : STRANGER;
        for (at = &processes[i]; at && at->kin == ASKED; at = find(processes, count, at->parent))
            at->kin = found;
    }
}

static int supervises(const struct process *process, const struct kill_choice *choice)
{
    return process->parent == choice->init && process->is_agent;
}

/* The supervisor itself, by what the agent claims: it can only name one of the agent's own children. */
static struct process *find_supervisor(struct process *processes, int count, const struct kill_choice *choice)
{
    for (int i = 0; i < count; i++)
        if (supervises(&processes[i], choice) && (uint32_t)processes[i].inner == choice->supervisor)
            return &processes[i];
    return NULL;
}

int kill_choose(struct process *processes, int count, const struct kill_choice *choice)
{
    qsort(processes, (size_t)count, sizeof *processes, by_pid);
    int everything = choice->everything || !choice->supervisor;
    struct process *supervisor = everything ? NULL : find_supervisor(processes, count, choice);
    for (int i = 0; i < count; i++) {
        struct process *process = &processes[i];
        /* A supervisor that is gone leaves what belongs to no other one. One that was stopped answers for nobody. */
        int is_kin = supervisor ? process == supervisor : supervises(process, choice) && !process->is_stopped;
        process->kin = process->pid == choice->init ? STRANGER : is_kin ? KIN : UNKNOWN;
    }
    spread(processes, count);
    for (int i = 0; i < count; i++) {
        int is_kin = processes[i].kin == KIN;
        processes[i].doomed = processes[i].pid != choice->init && (everything || (supervisor ? is_kin : !is_kin));
    }
    return everything;
}
