/* What a fresh child does to become the command. */
#pragma once
#include "agent/request.h"

/* The child's ends; input -1: it reads end of file. */
struct child_ends {
    int input;
    int output;
    int errors;
    int status; /* where a spawn_failure goes; closed by a successful execve */
};

_Noreturn void become_command(const struct exec_request *request, const struct child_ends *ends);
