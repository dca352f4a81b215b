/* Layers in the store: published, verified, mounted once for the whole host. */
#pragma once
#include "broker.h"

int layer_attach(const struct broker *broker, const digest_t *digest, struct outcome *out);
int layer_detach(const struct broker *broker, const digest_t *digest, struct outcome *out);
int layer_verify(const struct broker *broker, const digest_t *digest, struct outcome *out);
int layer_remove(const struct broker *broker, const digest_t *digest, struct outcome *out);

/*
 * Takes a staged file and its sidecar into the store: done whole or not at all, and only when the bytes have the digest.
 * Needs no running broker: a lock file orders publishers.
 */
int layer_publish(const struct broker *broker, const struct publish_request *request, struct outcome *out);

/* Opens the bytes of a layer and checks that nobody but root can have touched them; returns a descriptor or -1. */
int layer_open(const struct broker *broker, const char *digest_hex, struct outcome *out);

/* Hashes the file and compares; on success remembers that it did (stamp.h). */
int layer_check_digest(const struct broker *broker, int fd, const digest_t *digest, uint64_t *size,
                       struct outcome *out);

/* Whether a sidecar of the store names the digest. */
int digest_is_named(const struct broker *broker, const char *digest_hex);
