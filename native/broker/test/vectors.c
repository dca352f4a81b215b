/* Every frame of the vectors: a request is read as the broker reads it, a reply is said as the broker says it. */
#include "check.h"
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [OP_PROBE] = "PROBE",
    [OP_PUBLISH] = "PUBLISH",
    [OP_LAYER_ATTACH] = "LAYER_ATTACH",
    [OP_LAYER_DETACH] = "LAYER_DETACH",
    [OP_LAYER_VERIFY] = "LAYER_VERIFY",
    [OP_LAYER_REMOVE] = "LAYER_REMOVE",
    [OP_UPPER_MAKE] = "UPPER_MAKE",
    [OP_UPPER_ATTACH] = "UPPER_ATTACH",
    [OP_UPPER_DROP] = "UPPER_DROP",
    [OP_UPPER_STATS] = "UPPER_STATS",
    [OP_SANDBOX_START] = "SANDBOX_START",
    [OP_SANDBOX_STOP] = "SANDBOX_STOP",
    [OP_KILL_TREE] = "KILL_TREE",
    [OP_STATS] = "STATS",
    [OP_LIST] = "LIST",
    [OP_READY] = "READY",
    [OP_RESTACK] = "RESTACK",
    [OP_CAPTURE] = "CAPTURE",
    [OP_UPPER_CLONE] = "UPPER_CLONE",
};

static const digest_t digest = { { 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a,
                                   0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
                                   0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f } };
static const key_t8 label = { { 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18 } };
static const key_t8 upper = { { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 } };

static int publish_is_right(const struct publish_request *r)
{
    return !strcmp(r->staged, "build-7f") && !strcmp(r->layer, "010-nodejs24") &&
           !memcmp(&r->digest, &digest, sizeof digest) && r->flags == FLAG_REPLACE && r->sidecar_bytes == 321;
}

static int make_is_right(const struct upper_make_request *r)
{
    return !memcmp(&r->upper, &upper, sizeof upper) && r->kind == UPPER_DISK && r->flags == FLAG_SPARSE &&
           r->size_bytes == 2ull << 30 && r->reserve_bytes == 1ull << 30;
}

static int start_is_right(const struct start_request *r)
{
    return !memcmp(&r->label, &label, sizeof label) && !memcmp(&r->upper, &upper, sizeof upper) &&
           !strcmp(r->hostname, "box-1") && r->memory_bytes == 512ull << 20 && r->cpu_milli == 1500 &&
           r->pids_max == 256 && r->flags == FLAG_NESTING && r->layer_count == 2 && r->layers[0].bytes[0] == 0xc0 &&
           !memcmp(&r->layers[1], &digest, sizeof digest);
}

static int restack_is_right(const struct restack_request *r)
{
    return !memcmp(&r->label, &label, sizeof label) && !memcmp(&r->upper, &upper, sizeof upper) &&
           r->layer_count == 2 && r->flags == FLAG_TAKE_ROOT && r->layers[0].bytes[0] == 0xc0 &&
           !memcmp(&r->layers[1], &digest, sizeof digest);
}

static int capture_is_right(const struct capture_request *r)
{
    return !memcmp(&r->label, &label, sizeof label) && !memcmp(&r->upper, &upper, sizeof upper) &&
           r->timeout_seconds == 600 && r->flags == FLAG_OF_CLONE && !r->reserved && r->layer_count == 1 &&
           !memcmp(&r->layers[0], &digest, sizeof digest);
}

static int clone_is_right(const struct clone_request *r)
{
    return !memcmp(&r->label, &label, sizeof label) && !memcmp(&r->from, &upper, sizeof upper) &&
           r->to.bytes[0] == 0xb1 && r->to.bytes[7] == 0xb8;
}

static int kill_is_right(const struct kill_request *r)
{
    return !memcmp(&r->label, &label, sizeof label) && r->supervisor == 7 && r->reserved == 0;
}

static int list_is_right(const struct list_request *r)
{
    return r->kind == LIST_UPPERS && r->after == 3;
}

static int body_is_right(void)
{
    const void *body = heard.body;
    switch (heard.op) {
    case OP_PUBLISH:
        return publish_is_right(body);
    case OP_UPPER_MAKE:
        return make_is_right(body);
    case OP_SANDBOX_START:
        return start_is_right(body);
    case OP_RESTACK:
        return restack_is_right(body);
    case OP_CAPTURE:
        return capture_is_right(body);
    case OP_UPPER_CLONE:
        return clone_is_right(body);
    case OP_KILL_TREE:
        return kill_is_right(body);
    case OP_LIST:
        return list_is_right(body);
    case OP_SANDBOX_STOP:
    case OP_STATS:
        return !memcmp(body, &label, sizeof label);
    case OP_UPPER_ATTACH:
    case OP_UPPER_DROP:
    case OP_UPPER_STATS:
        return !memcmp(body, &upper, sizeof upper);
    case OP_PROBE:
    case OP_READY:
        return heard.length == 0;
    default:
        return !memcmp(body, &digest, sizeof digest);
    }
}

static int request_is_right(struct peer *peer, uint16_t op, const unsigned char *frame, size_t length)
{
    memset(&heard, 0, sizeof heard);
    peer_send(peer, frame, length);
    return heard.count == 1 && heard.op == op && heard.id == (op == OP_READY ? UINT32_MAX : op) && body_is_right();
}

static struct wire_outcome refusal(uint32_t error, uint32_t step, const char *text)
{
    struct wire_outcome outcome = { .error = error, .step = step };
    memcpy(outcome.text, text, strlen(text));
    return outcome;
}

static void say_reply(struct server *server, uint16_t op)
{
    static const struct stats_reply stats = { 6ull << 30, 7ull << 30, 1, 12, 1500000 };
    const struct capture_reply captured = {
        .digest = digest, .size_bytes = 4096, .pause_micros = 2500, .lost = { 1, 2, 3, 4, 5 }
    };
    struct wire_outcome done = { 0 }, in_use = refusal(EBUSY, STEP_UNMOUNT, "in use"),
                        full = refusal(ENOSPC, STEP_RESERVE, "12 MiB are free");
    uint32_t id = op == OP_READY ? UINT32_MAX : op;
    unsigned char entry[24] = { 4, 0, 0, 0, 1, 0, 0, 0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 1 };
    switch (op) {
    case OP_PROBE:
        return reply(server, op, id, &done, &(uint32_t[]){ 3, 1, 1u << 30, 0 }, 16);
    case OP_PUBLISH:
        return reply(server, op, id, &done, &(uint64_t){ (5ull << 30) + 1 }, 8);
    case OP_LAYER_VERIFY:
        return reply(server, op, id, &done, &(uint64_t){ 4096 }, 8);
    case OP_LAYER_REMOVE:
        return reply(server, op, id, &done, &(uint32_t[]){ 1, 0 }, 8);
    case OP_LAYER_DETACH:
        return reply(server, op, id, &in_use, "left out, as it is of every refusal", 35);
    case OP_UPPER_MAKE:
        return reply(server, op, id, &full, NULL, 0);
    case OP_UPPER_STATS:
        return reply(server, op, id, &done, &(uint64_t[]){ 1ull << 20, 2ull << 30 }, 16);
    case OP_SANDBOX_START:
        return reply(server, op, id, &done, &(uint32_t[]){ 4242, 0 }, 8);
    case OP_KILL_TREE:
        return reply(server, op, id, &done, &(uint32_t[]){ 3, 0 }, 8);
    case OP_STATS:
        return reply(server, op, id, &done, &stats, sizeof stats);
    case OP_CAPTURE:
        return reply(server, op, id, &done, &captured, sizeof captured);
    case OP_UPPER_CLONE:
        return reply(server, op, id, &done, &(uint64_t){ 2500 }, 8);
    case OP_LIST:
        return reply(server, op, id, &done, entry, sizeof entry);
    default:
        return reply(server, op, id, &done, NULL, 0);
    }
}

static int said_is_right(struct peer *peer, uint16_t op, const unsigned char *frame, size_t length)
{
    unsigned char said[512];
    if (op)
        say_reply(peer->server, op);
    else
        event_exited(peer->server, &(struct machine){ .label = label, .pid = 4242 });
    return peer_receive(peer, said, sizeof said) == length && !memcmp(said, frame, length);
}

/* The operation of a name, and what is left of the name behind it. */
static uint16_t operation_named(const char *name, const char **rest)
{
    for (uint16_t op = OP_PROBE; op < OP_COUNT; op++) {
        size_t length = strlen(names[op]);
        *rest = name + length;
        if (!strncmp(name, names[op], length) && (!**rest || !strcmp(*rest, "_REPLY")))
            return op;
    }
    *rest = name;
    return 0;
}

static int vector_is_right(struct peer *peer, const char *name, const char *text)
{
    unsigned char frame[512];
    size_t length = strspn(text, "0123456789abcdef") / 2;
    const char *rest;
    uint16_t op = operation_named(name, &rest);
    if (length > sizeof frame || unhex(text, frame, length))
        return 0;
    if (op && !*rest)
        return request_is_right(peer, op, frame, length);
    return (op || !strcmp(name, "SANDBOX_EXITED")) && said_is_right(peer, op, frame, length);
}

void test_vectors(const char *path)
{
    static char line[2048];
    unsigned seen = 0;
    struct peer peer = peer_open();
    FILE *file = fopen(path, "re");
    CHECK(file);
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (line[0] == '#' || !colon)
            continue;
        *colon = 0;
        seen++;
        checks++;
        if (vector_is_right(&peer, line, colon + 2))
            continue;
        failures++;
        fprintf(stderr, "%s: %s is not what the broker reads or says\n", path, line);
    }
    if (file)
        fclose(file);
    CHECK(seen == 2 * (OP_COUNT - 1) + 1);
    peer_close(&peer);
}
