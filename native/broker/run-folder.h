/* The broker's surroundings: its run folder, its own mount namespace, its block of ids. */
#pragma once
#include "broker.h"

/* Fills broker->instance from the state root's real path. */
int instance_name(struct broker *broker, struct outcome *out);

/*
 * Makes the run folder, and enters the mount namespace that an earlier broker pinned there, or makes and pins one.
 * What an earlier boot left behind is removed first.
 */
int run_folder_open(struct broker *broker, struct outcome *out);

/* Unmounts and removes everything; only when no machine is left. */
void run_folder_remove(struct broker *broker);

/* Takes this installation's block of SLOTS × IDS_PER_SLOT ids above the base; the same one again after a crash. */
int id_block_take(struct broker *broker, uint32_t base, struct outcome *out);
void id_block_release(const struct broker *broker);
