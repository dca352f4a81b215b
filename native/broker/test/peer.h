/* A broker's connection whose other end the test holds; what request_handle() would get is kept instead (linked with --wrap). */
#pragma once
#include "broker/server.h"

struct peer {
    struct server *server;
    int end;
};

struct heard_request {
    unsigned count;
    uint16_t op;
    uint32_t id;
    size_t length;
    unsigned char body[WIRE_REQUEST_MAX];
};

extern struct heard_request heard;

struct peer peer_open(void);
void peer_close(struct peer *peer);
/* Sends the bytes and lets the broker read them. */
void peer_send(struct peer *peer, const void *bytes, size_t length);
/* Takes what the broker has said so far; returns its length. */
size_t peer_receive(struct peer *peer, void *bytes, size_t size);
