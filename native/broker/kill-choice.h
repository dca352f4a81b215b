/* Who dies when a command's tree is ended: decided over a table of the sandbox's processes, so that it can be tried without any. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid, parent, inner; /* inner: as the sandbox numbers it */
    int is_agent, is_stopped;
    int doomed;
    int kin; /* enum kinship: scratch of kill_choose() */
};

struct kill_choice {
    pid_t init;          /* PID 1 of the sandbox, as the host numbers it; it is never chosen */
    uint32_t supervisor; /* as the sandbox numbers it; 0: everything */
    int everything;
};

/* Sorts the table by pid and sets `doomed`; returns whether everything but PID 1 is to die. */
int kill_choose(struct process *processes, int count, const struct kill_choice *choice);
