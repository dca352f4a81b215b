/* One connection, one verb. */
#pragma once

/* Serves CONNECTION_FD to its end. Returns the exit status of the supervisor: 0 attests that it leaves no process behind. */
int supervise(void);
