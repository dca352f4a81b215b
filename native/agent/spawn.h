/* Starting a command: the descriptors between it and its supervisor, and its first process. */
#pragma once
#include "agent/request.h"

/* The supervisor's side. All descriptors are close-on-exec and non-blocking. */
struct command {
    pid_t pid;
    int input;  /* to the command's stdin (or the terminal), -1: none */
    int output; /* from its stdout (or the terminal) */
    int errors; /* from its stderr, -1: it has a terminal */
    int status; /* gives a spawn_failure, or end of file once the program runs */
    int orders; /* to a ready child: its request; -1 otherwise */
};

/* What the child reports when it cannot become the command. */
struct spawn_failure {
    uint32_t error;
    uint32_t step;
};

/*
 * Makes a child ready to become any command without a terminal, so that no client waits for that. Costs a process per
 * idle sandbox.
 * Without it (no process is to be had) spawn_command() makes everything when asked.
 */
void prepare_command(void);

/* Ends the child that is ready, if it is not needed. */
void dismiss_ready_child(void);

/* `payload` is what `request` was parsed from. Returns 0, or -1 with `failure` filled; nothing is open then. */
int spawn_command(const struct exec_request *request, const struct frame *payload, struct command *command,
                  struct spawn_failure *failure);
