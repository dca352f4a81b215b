/* The verbs that move files. All act as root of the sandbox, and see what it sees. */
#pragma once
#include "agent/inbox.h"

void serve_file_read(const struct frame *request);
void serve_file_write(struct inbox *inbox, const struct frame *request);
void serve_tar_write(struct inbox *inbox, const struct frame *request);
