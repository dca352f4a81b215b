/*
 * Cgroups of the sandboxes, whichever way this host has them: v2, v1, or hybrid (controllers on v1, membership on v2).
 * Each slot has one group in each hierarchy of the table: <mount>/squash-<instance>/<slot>.
 */
#pragma once
#include "outcome.h"

#include <stdint.h>

enum controller { CONTROLLER_MEMORY, CONTROLLER_CPU, CONTROLLER_PIDS, CONTROLLER_FREEZER, CONTROLLER_COUNT };

#define HIERARCHIES_MAX 5

struct hierarchy {
    char path[160]; /* of this installation's folder in it */
    int folder;     /* descriptor of that folder */
    int is_v2;
    unsigned controllers; /* bits of enum controller */
};

struct cgroups {
    int count;
    struct hierarchy hierarchies[HIERARCHIES_MAX];
    int mode; /* 1 v1, 2 v2, 3 hybrid: as PROBE answers */
    int has_swap_accounting;
};

struct limits {
    uint64_t memory_bytes;
    uint32_t cpu_milli;
    uint32_t pids_max;
};

/* Finds where memory, cpu, pids and a freezer are, and makes this installation's folders. */
int cgroups_open(struct cgroups *cgroups, const char *instance, struct outcome *out);
/* Removes the installation's folders; only when no slot is left. */
void cgroups_close(struct cgroups *cgroups);

int cgroup_make(const struct cgroups *cgroups, const char *slot, struct outcome *out);
/* Moves the calling process into the slot's groups. */
int cgroup_enter(const struct cgroups *cgroups, const char *slot, struct outcome *out);
int cgroup_limit(const struct cgroups *cgroups, const char *slot, const struct limits *limits, struct outcome *out);
/* Waits up to a second for the last member to be gone. Absent groups count as removed. */
int cgroup_remove(const struct cgroups *cgroups, const char *slot);
int cgroup_freeze(const struct cgroups *cgroups, const char *slot, int frozen);
/* Returns when every task stands still; thawed again, -1 and ETIMEDOUT when one does not. */
int cgroup_freeze_all(const struct cgroups *cgroups, const char *slot);
/* Whether a process that was stopped does not look so while it is frozen. */
int cgroup_freezing_hides_stops(const struct cgroups *cgroups);
void cgroup_stats(const struct cgroups *cgroups, const char *slot, struct stats_reply *stats);
/* Opens the file that lists the members of a slot; -1 when the group is not there. */
int cgroup_members(const struct cgroups *cgroups, const char *slot);
