/*
 * What the fuzzed broker works on: a state root, a run folder and, beside them, a canary, all on a small file system in
 * memory that only this process sees. Everything that a hostile daemon could stage lies in staging/.
 */
#pragma once
#include "broker/server.h"

#define WORLD_LAYERS 4

struct world_layer {
    char staged[16], name[16];
    digest_t digest;
    uint32_t sidecar_bytes;
};

extern struct world_layer world_layers[WORLD_LAYERS];

/* Names of staged files that are not what they should be. */
extern const char *const world_traps[];
extern const unsigned world_trap_count;

/* Ends the program when this cannot be had: it takes root. */
void world_make(void);
/* A broker over the world, with `ready` starters that are played by the caller, who gets the other ends. */
void world_start_broker(struct server *server, int *starters, unsigned ready);
/* Takes back mounts, machines and what was published, and stages anew what was taken. */
void world_reset(const struct server *server);
/* Aborts when anything outside of the state root and the run folder is not as it was. */
void world_check_canary(void);
