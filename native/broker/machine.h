/*
 * How a sandbox comes to be, in the order of the calls. Before anybody asks for it: starter.c makes namespaces and the
 * child that becomes PID 1 (machine.c), which leaves the host's files and puts /proc, /dev and /sys together (stage.c).
 * On request: layers and upper come from the starter (order.c), the rest is the child's.
 */
#pragma once
#include "broker.h"

struct machine_start {
    const struct broker *broker;
    const struct start_request *request;
    unsigned slot;
    int userns;     /* of the slot's ids */
    int socket;     /* listening, for the agent */
    int takes_root; /* the upper's root folder becomes like that of the topmost layer */
    int fresh;      /* nothing was ever written to the upper; set by rootfs_build() */
    int run;        /* the run folder, in the machine's own mount namespace, until the host is left */
    int root;       /* what will be the root: first the stage, then the overlay */
    int sysctl;     /* /proc/sys before it is masked */
};

/*
 * Runs in the child, never returns. Reports over the SEQPACKET channel when it is ready, waits for an order, and executes
 * the agent, which closes the channel; a second report means that it could not.
 */
_Noreturn void machine_become(struct machine_start *start, int channel);

/* stage.c: a mount namespace that holds nothing of the host; its root is a tmpfs with these places, beside proc, dev and sys. */
#define STAGED_UPPER "upper"
#define STAGED_ROOT "root"
/* In a mount namespace of the caller's own: makes that tmpfs, as start->root, and goes on as the sandbox's root (fsuid). */
int stage_make(struct machine_start *start, struct outcome *out);
/* The same, with /proc, /dev and /sys in it; then it is the root of everything. */
int stage_enter(struct machine_start *start, struct outcome *out);

/* rootfs.c: the overlay over the order's trees, as start->root: detached until it is attached where the stage has its place. */
struct order;
int rootfs_build(struct machine_start *start, const struct order *order, struct outcome *out);
int rootfs_attach(const struct machine_start *start, struct outcome *out);
/* Makes start->root the root of everything and lets go of what was. */
int rootfs_enter(struct machine_start *start, struct outcome *out);

/* mount-at.c */
struct tree_options {
    uint64_t attributes;
    int userns; /* -1: no id map */
};
/* A detached clone of what is at the path, with attributes and id map; returns a descriptor or -1 with errno. */
int clone_tree(int folder, const char *path, const struct tree_options *options);
/* Mounts a detached tree on a path of the hostile root; a link or a `..` in it is refused. Missing folders of one level are made. */
int mount_at(int root, const char *path, int tree, struct outcome *out);
/* A new file system of a kernel type with `key=value` options (NULL-ended), detached. */
int new_filesystem(const char *type, const char *const *options, uint64_t attributes);

/* inside.c: /proc, /dev, /sys and what is masked in them. */
int inside_mount(struct machine_start *start, struct outcome *out);
/* Moves them, with all that is mounted in them, from one root to another; what was moved before a failure is moved back. */
int inside_carry(int from, int to, struct outcome *out);
/* From the stage to the overlay, with a /dev/shm that is the machine's own. */
int inside_move(const struct machine_start *start, struct outcome *out);

/* dev.c */
int dev_mount(const struct machine_start *start, struct outcome *out);
int shm_mount(const struct machine_start *start, struct outcome *out);

/* etc.c: hostname, hosts and resolv.conf of a fresh sandbox; runs as the sandbox's own root. */
int etc_write(const struct machine_start *start, struct outcome *out);

/* privileges.c: everything that takes power away, in the one order that works. */
int privileges_drop(const struct machine_start *start, struct outcome *out);
/* The same for a program that is to read, as the namespace's root, and do nothing else. */
int privileges_drop_to_read(int userns, struct outcome *out);

/* network.c: loopback up, and knobs that only the namespace's owner may turn. */
int network_prepare(struct outcome *out);
