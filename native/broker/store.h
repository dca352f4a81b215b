#pragma once
#include "broker.h"

/*
 * Orders those who change the store: publishers, which may run without a broker, and removers. Returns a descriptor that
 * holds the lock until it is closed; -1 with EWOULDBLOCK when somebody else has it and the caller does not wait.
 */
int store_lock(const struct broker *broker, int wait);
/* Links the open file, which has this digest, into the store; bytes of the digest that are there already are as good. */
int store_bytes(const struct broker *broker, int modules, int fd, const digest_t *digest, struct outcome *out);
/* Links changed the file's ctime, which the stamp holds. Its bytes were found right under the lock. */
int store_stamp(const struct broker *broker, const char *digest_hex, struct outcome *out);
