/* A byte stream from the client: DATA frames up to END. */
#pragma once
#include "agent/inbox.h"

enum source_state { SOURCE_DATA, SOURCE_END, SOURCE_LOST, SOURCE_BAD };

/* Waits for the next piece. LOST: the client went away without END. BAD: another frame than DATA or END came. */
enum source_state next_piece(struct inbox *inbox, struct frame *piece);
