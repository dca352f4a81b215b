/* Waiting for descriptors and for children at once, without a race and without a descriptor for it. */
#pragma once
#include <poll.h>
#include <stdbool.h>

/*
 * Blocks every signal and installs the handler of SIGCHLD, which only wait_for_events() lets through. Inherited by
 * fork.
 */
void block_signals(void);

/* Undoes it, in a child that is about to execute a command. */
void unblock_signals(void);

/*
 * ppoll() that also ends when a child ended. `timeout_ms` < 0: none. Returns what ppoll() returns; EINTR gives 0 with
 * no revents.
 */
int wait_for_events(struct pollfd *fds, nfds_t count, int timeout_ms);

/* Whether a SIGCHLD came since the last call. */
bool take_child_event(void);
