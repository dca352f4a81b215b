/* Moves bytes between the client and a command, and sees to the end of both. */
#pragma once
#include "agent/inbox.h"
#include "agent/spawn.h"

/* Returns the supervisor's exit status: 0 attests that no process is left. */
int relay(struct inbox *inbox, const struct command *command, bool pty, uint64_t forward_limit);
