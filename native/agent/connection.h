/* The client's end, for the verbs that do one thing after the other. The descriptor is non-blocking; these wait. */
#pragma once
#include "agent/inbox.h"

/* PID 1 listens on it, and a supervisor does until it has its connection there. */
#define LISTEN_FD 3
#define CONNECTION_FD LISTEN_FD
/* /proc, opened before anything of the sandbox ran. */
#define PROC_FD 4
/* Where a supervisor tells PID 1, by its pid, that it has a connection. */
#define NOTICE_FD 5

#define NO_DEADLINE INT64_MAX

/*
 * Waits for the next frame. Returns 0, or -1 with errno: ETIMEDOUT, ECONNRESET (the stream ended), EPROTO (a header
 * that cannot be right).
 */
int receive_frame(struct inbox *inbox, uint32_t payload_max, int64_t deadline_ms, struct frame *frame);

/* Writes everything; waits as long as the client lives. Returns 0 or -1. */
int send_bytes(const void *bytes, size_t length);

int send_frame(uint8_t type, const void *payload, uint32_t length);

/* Sends the last frame of a connection that failed. */
void send_error(int error, enum step step, const char *message);

/*
 * Waits until the client has closed, 2 s at most. Kernel: closing a unix socket with unread bytes in it resets the
 * peer,
 * which may then lose the last frame.
 */
void linger(struct inbox *inbox);
