/* What a starter gives to the process that becomes PID 1: whom it is for, and what it is made of. */
#pragma once
#include "broker.h"
#include "wire.h"

struct order {
    struct start_request request;
    int socket;             /* listening, for the agent */
    int upper;              /* detached clones with the slot's id map */
    int layers[LAYERS_MAX]; /* as many as the request names, in its order */
};

/* A detached clone of an attached layer, read-only, with the id map of the namespace; -1 after fail(). */
int clone_layer(int run, const digest_t *digest, int userns, struct outcome *out);

/* Clones the trees of the request in the broker's mount namespace, the only one in which they are. */
int order_take_trees(struct order *order, const struct broker *broker, int userns, struct outcome *out);

/* Over a SEQPACKET socket, descriptors included; return 0 or -1. */
int order_send(int channel, const struct order *order);
int order_receive(int channel, struct order *order);
