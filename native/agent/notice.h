/* A supervisor's word to PID 1. */
#pragma once

/*
 * Says that this supervisor has a connection, so that PID 1 makes the next one ready; only the first call counts.
 * Forking takes a while, so it is put off behind the start of a command where nobody waits for the next one: until the
 * command was
 * given QUIET_START_MS, at most.
 */
void announce_connection(void);
