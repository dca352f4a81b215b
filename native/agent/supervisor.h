/* One connection, one verb. */
#pragma once

/*
 * Waits for a connection, tells PID 1, and serves it to its end. Returns the exit status: 0 attests that no process is
 * left behind.
 */
int supervise(void);
