/* What every operation may look at. Filled once at start; workers inherit it by fork and change nothing in it. */
#pragma once
#include "cgroup.h"
#include "names.h"
#include "outcome.h"

#include <limits.h>
#include <sys/types.h>

/* Ids per sandbox, and slots per installation: 1,024 × 65,536 = 2^26 ids. */
#define IDS_PER_SLOT 65536u
#define SLOTS 1024u

/* Where the broker's own mounts are, below the run folder: a tmpfs of its own mount namespace. */
#define MOUNTS "m"
#define LAYER_MOUNTS MOUNTS "/layers"
#define UPPER_MOUNTS MOUNTS "/uppers"
#define STAGE MOUNTS "/stage"

struct broker {
    char instance[9];         /* 8 hex digits of the state root's path */
    char data_path[PATH_MAX]; /* state root */
    char run_path[64];        /* /run/squash/<instance> */
    pid_t pid;                /* of the resident broker */
    int data;                 /* descriptors of the two */
    int run;
    int agent; /* programs to be executed */
    int packer;
    int pool;        /* folder of the uppers on btrfs; -1: there is no pool */
    int host_mounts; /* the mount namespace that the broker was started in */
    uid_t daemon_uid;
    gid_t daemon_gid;
    uint32_t uid_base; /* first id of slot 0 */
    struct cgroups cgroups;
};

/* First id of a slot. */
static inline uint32_t slot_uid(const struct broker *broker, unsigned slot)
{
    return broker->uid_base + slot * IDS_PER_SLOT;
}
