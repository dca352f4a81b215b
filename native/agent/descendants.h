/* The tree of the command that this supervisor owns. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct descendants {
    pid_t first;      /* 0 once it was reaped */
    int first_status; /* as waitpid() gives it */
    bool all_gone;    /* waitpid() has said ECHILD */
    bool gave_up;     /* they outlived KILL_PATIENCE_MS */
    bool we_killed;   /* SIGKILLs are ours from now on */
    uint32_t stranger_kills;
    int64_t kill_again_at;
    int64_t give_up_at; /* 0: nobody is being killed */
};

/* Reaps everybody who ended. */
void reap_descendants(struct descendants *tree);

/* Starts killing everybody; goes on with it when called again. */
void kill_descendants(struct descendants *tree);

/* Milliseconds until kill_descendants() has something to do, or -1. */
int ms_until_next_kill(const struct descendants *tree);
