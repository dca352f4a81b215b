/* What a fresh child does to become the command. */
#pragma once
#include "agent/request.h"
#include "agent/spawn.h"

/* The child's ends; -1: none. */
struct child_ends {
    int input; /* none: the command reads end of file */
    int output;
    int errors;
    int status; /* where a spawn_failure goes; closed by a successful execve */
    int orders; /* where the request comes from */
};

_Noreturn void become_command(const struct exec_request *request, const struct child_ends *ends);

/* Does what needs no request, waits for one, and becomes that command; exits when the supervisor closes `orders`. */
_Noreturn void await_orders(const struct child_ends *ends, struct command *supervisors_ends);
