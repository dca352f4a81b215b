/* Writable parts: an ext4 image, a tmpfs or a subvolume each, mounted nosuid,nodev where no user of the host can see it. */
#pragma once
#include "broker.h"

int upper_make(const struct broker *broker, const struct upper_make_request *request, struct outcome *out);
/* Mounts the image of an upper that was made before a reboot; ENOENT when there is none (a tmpfs does not survive). */
int upper_attach(const struct broker *broker, const key_t8 *upper, struct outcome *out);
int upper_drop(const struct broker *broker, const key_t8 *upper, struct outcome *out);
struct upper_size {
    uint64_t used_bytes, limit_bytes;
};
int upper_measure(const struct broker *broker, const key_t8 *upper, struct upper_size *size, struct outcome *out);
int upper_stats(const struct broker *broker, const key_t8 *upper, struct outcome *out);
