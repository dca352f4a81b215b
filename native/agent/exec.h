/* The EXEC verb. */
#pragma once
#include "agent/inbox.h"

/*
 * Runs one command for the client to its end. Returns the supervisor's exit status: 0 attests that no process is left.
 */
int serve_exec(struct inbox *inbox, const struct frame *request);
