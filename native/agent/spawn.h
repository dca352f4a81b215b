/* Starts a command: what becomes of the descriptors, ids and limits of its first process. */
#pragma once
#include "agent/request.h"

struct command {
    pid_t pid;
    int input;  /* to the command's stdin (or the terminal), -1: none */
    int output; /* from its stdout (or the terminal) */
    int errors; /* from its stderr, -1: it has a terminal */
    int status; /* gives a spawn_failure, or end of file once the program runs */
};

/* What the child reports when it cannot become the command. */
struct spawn_failure {
    uint32_t error;
    uint32_t step;
};

/* Returns 0, or -1 with `failure` filled; nothing is open then. All descriptors are the supervisor's: close-on-exec, non-blocking. */
int spawn_command(const struct exec_request *request, struct command *command, struct spawn_failure *failure);
