/* Uppers on btrfs: a subvolume each, in a folder of this installation's in the pool, which is a btrfs or an image of one. */
#pragma once
#include "broker.h"

/* Opens the pool, or mounts its image in the broker's mount namespace; nothing to do for NULL. */
int pool_open(struct broker *broker, const char *path, struct outcome *out);
/* Lets go of it, when no upper is attached any more. */
void pool_close(struct broker *broker);

/* Each of these works on the subvolume that is named after the upper, and knows nothing of where it is attached. */
int pool_make(const struct broker *broker, const struct upper_make_request *request, struct outcome *out);
/* Attaches it at the name below the folder. ENOENT when there is none. */
int pool_attach(const struct broker *broker, const key_t8 *upper, int mounts, struct outcome *out);
/* Idempotent. */
int pool_drop(const struct broker *broker, const key_t8 *upper, struct outcome *out);
/* A copy at one moment, of the same limit, as a subvolume of another name. */
int pool_clone(const struct broker *broker, const struct clone_request *request, struct outcome *out);
