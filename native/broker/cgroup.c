#include "cgroup.h"

#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FREEZE_TRIES 10000   /* 5 s: a task that waits for a busy disk cannot be frozen before it is served */
#define CPU_PERIOD_US 100000 /* the kernel's default cfs period */

int cgroup_make(const struct cgroups *cgroups, const char *slot, struct outcome *out)
{
    for (int i = 0; i < cgroups->count; i++)
        if (mkdirat(cgroups->hierarchies[i].folder, slot, 0755) && errno != EEXIST)
            return fail(out, STEP_CGROUP, "%s/%s", cgroups->hierarchies[i].path, slot);
    return 0;
}

int cgroup_enter(const struct cgroups *cgroups, const char *slot, struct outcome *out)
{
    char path[64];
    snprintf(path, sizeof path, "%s/cgroup.procs", slot);
    for (int i = 0; i < cgroups->count; i++)
        if (write_knob(cgroups->hierarchies[i].folder, path, "0"))
            return fail(out, STEP_CGROUP, "enter %s/%s", cgroups->hierarchies[i].path, slot);
    return 0;
}

static int set(const struct hierarchy *hierarchy, const char *slot, const char *knob, const char *value,
               struct outcome *out)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", slot, knob);
    if (write_knob(hierarchy->folder, path, value))
        return fail(out, STEP_LIMITS, "%s = %s", knob, value);
    return 0;
}

static int limit_memory(const struct hierarchy *hierarchy, const char *slot, uint64_t bytes, int swap,
                        struct outcome *out)
{
    char value[24];
    snprintf(value, sizeof value, "%llu", (unsigned long long)bytes);
    if (hierarchy->is_v2)
        return set(hierarchy, slot, "memory.max", value, out) ||
               (swap && set(hierarchy, slot, "memory.swap.max", "0", out));
    /* Memory and swap together may not be set below memory alone, so memory goes first. */
    return set(hierarchy, slot, "memory.limit_in_bytes", value, out) ||
           (swap && set(hierarchy, slot, "memory.memsw.limit_in_bytes", value, out));
}

static int limit_cpu(const struct hierarchy *hierarchy, const char *slot, uint32_t milli, struct outcome *out)
{
    unsigned long long quota = (unsigned long long)milli * CPU_PERIOD_US / 1000;
    char value[48];
    if (quota < 1000)
        quota = 1000; /* the kernel takes no less than 1 ms */
    if (hierarchy->is_v2) {
        snprintf(value, sizeof value, "%llu %d", quota, CPU_PERIOD_US);
        return set(hierarchy, slot, "cpu.max", value, out);
    }
    snprintf(value, sizeof value, "%llu", quota);
    return set(hierarchy, slot, "cpu.cfs_quota_us", value, out);
}

int cgroup_limit(const struct cgroups *cgroups, const char *slot, const struct limits *limits, struct outcome *out)
{
    char pids[16];
    snprintf(pids, sizeof pids, "%u", limits->pids_max);
    for (int i = 0; i < cgroups->count; i++) {
        const struct hierarchy *hierarchy = &cgroups->hierarchies[i];
        unsigned has = hierarchy->controllers;
        if (has & 1u << CONTROLLER_MEMORY &&
            limit_memory(hierarchy, slot, limits->memory_bytes, cgroups->has_swap_accounting, out))
            return -1;
        if (has & 1u << CONTROLLER_CPU && limit_cpu(hierarchy, slot, limits->cpu_milli, out))
            return -1;
        if (has & 1u << CONTROLLER_PIDS && set(hierarchy, slot, "pids.max", pids, out))
            return -1;
    }
    return 0;
}

int cgroup_remove(const struct cgroups *cgroups, const char *slot)
{
    int left = 0;
    for (int i = 0; i < cgroups->count; i++) {
        int gone = 0;
        /* Kernel: a group is busy until its last member was reaped, which may be after its parent heard of it. */
        for (int tries = 0; tries < 200 && !gone; tries++) {
            gone = !unlinkat(cgroups->hierarchies[i].folder, slot, AT_REMOVEDIR) || errno == ENOENT;
            if (!gone)
                nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
        }
        left |= !gone;
    }
    return left ? -1 : 0;
}

static const struct hierarchy *with(const struct cgroups *cgroups, enum controller controller)
{
    for (int i = 0; i < cgroups->count; i++)
        if (cgroups->hierarchies[i].controllers & 1u << controller)
            return &cgroups->hierarchies[i];
    __builtin_trap(); /* cgroups_open() refuses a host without one of them */
}

static int is_frozen(const struct hierarchy *hierarchy, const char *slot)
{
    char path[64], text[256];
    snprintf(path, sizeof path, hierarchy->is_v2 ? "%s/cgroup.events" : "%s/freezer.state", slot);
    if (read_knob(hierarchy->folder, path, text, sizeof text) < 0)
        return -1;
    return strstr(text, hierarchy->is_v2 ? "frozen 1" : "FROZEN") != NULL;
}

int cgroup_freeze(const struct cgroups *cgroups, const char *slot, int frozen)
{
    const struct hierarchy *hierarchy = with(cgroups, CONTROLLER_FREEZER);
    char path[64];
    snprintf(path, sizeof path, hierarchy->is_v2 ? "%s/cgroup.freeze" : "%s/freezer.state", slot);
    const char *value = hierarchy->is_v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");
    if (write_knob(hierarchy->folder, path, value))
        return -1;
    /* A group is frozen when its last task reached the freezer; one in uninterruptible sleep takes as long as that. */
    for (int tries = 0; frozen && tries < 100; tries++) {
        if (is_frozen(hierarchy, slot) != 0)
            return 0;
        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
    }
    return 0;
}

/* Kernel: v1's freezer leaves whatever it holds in state D, v2's keeps T (TASK_FROZEN, JOBCTL_TRAP_FREEZE). */
int cgroup_freezing_hides_stops(const struct cgroups *cgroups)
{
    return !with(cgroups, CONTROLLER_FREEZER)->is_v2;
}

int cgroup_freeze_all(const struct cgroups *cgroups, const char *slot)
{
    const struct hierarchy *hierarchy = with(cgroups, CONTROLLER_FREEZER);
    if (cgroup_freeze(cgroups, slot, 1))
        return -1;
    for (int tries = 0; tries < FREEZE_TRIES; tries++) {
        if (is_frozen(hierarchy, slot) > 0)
            return 0;
        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
    }
    cgroup_freeze(cgroups, slot, 0);
    errno = ETIMEDOUT;
    return -1;
}

static uint64_t number(const struct hierarchy *hierarchy, const char *slot, const char *knob, const char *key)
{
    char path[96], text[4096];
    snprintf(path, sizeof path, "%s/%s", slot, knob);
    if (read_knob(hierarchy->folder, path, text, sizeof text) < 0)
        return 0;
    char *at = text;
    if (key) {
        at = strstr(text, key);
        if (!at)
            return 0;
        at += strlen(key);
    }
    return strtoull(at, NULL, 10);
}

void cgroup_stats(const struct cgroups *cgroups, const char *slot, struct stats_reply *stats)
{
    const struct hierarchy *memory = with(cgroups, CONTROLLER_MEMORY);
    const struct hierarchy *cpu = with(cgroups, CONTROLLER_CPU);
    const struct hierarchy *pids = with(cgroups, CONTROLLER_PIDS);
    if (memory->is_v2) {
        stats->memory_bytes = number(memory, slot, "memory.current", NULL);
        stats->memory_peak_bytes = number(memory, slot, "memory.peak", NULL);
        stats->oom_kills = number(memory, slot, "memory.events", "oom_kill ");
    } else {
        stats->memory_bytes = number(memory, slot, "memory.usage_in_bytes", NULL);
        stats->memory_peak_bytes = number(memory, slot, "memory.max_usage_in_bytes", NULL);
        stats->oom_kills = number(memory, slot, "memory.oom_control", "oom_kill ");
    }
    stats->pids = number(pids, slot, "pids.current", NULL);
    /* v1's cpu controller alone counts no time used (cpuacct does): 0 there. */
    stats->cpu_micros = cpu->is_v2 ? number(cpu, slot, "cpu.stat", "usage_usec ") : 0;
}

int cgroup_members(const struct cgroups *cgroups, const char *slot)
{
    char path[64];
    snprintf(path, sizeof path, "%s/cgroup.procs", slot);
    return openat(with(cgroups, CONTROLLER_FREEZER)->folder, path, O_RDONLY | O_CLOEXEC);
}
