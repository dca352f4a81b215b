/* Terminals. */
#pragma once
#include "agent/request.h"

/*
 * Opens a pair without going through /dev/pts, which the sandbox may have changed. Returns 0, or -1 with nothing open.
 */
int open_pty(const struct exec_request *request, int *master, int *terminal);

int resize_pty(int master, uint16_t rows, uint16_t columns);
