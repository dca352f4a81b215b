/* Images on loop devices. */
#pragma once
#include "outcome.h"

struct image_mount {
    int file;         /* the image; read-only for squashfs */
    const char *type; /* "squashfs" or "ext4" */
    int read_only;
    int parent;             /* folder that holds the mount point */
    const char *mountpoint; /* name of a folder in it */
};

/* Attaches the image to a loop device that frees itself with the mount, and mounts it nosuid,nodev. */
int image_mount(const struct image_mount *image, struct outcome *out);

/*
 * Unmounts what is on parent/name, removes the folder and waits up to two seconds for the loop device to be free.
 * Nothing mounted counts as done.
 */
int image_unmount(int parent, const char *name, struct outcome *out);

/* Whether something is mounted on parent/name. */
int is_mounted(int parent, const char *name);
