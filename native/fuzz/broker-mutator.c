#include "fuzz/broker-mutator.h"

#include "fuzz/broker-world.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint64_t state;

static uint32_t random_below(uint32_t bound)
{
    /* xorshift64: the seed alone decides, so that a run can be repeated. */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return bound ? (uint32_t)(state >> 32) % bound : 0;
}

static const uint64_t numbers[] = { 0,          1,          2,
                                    3,          4,          7,
                                    8,          63,         64,
                                    127,        128,        129,
                                    255,        256,        1023,
                                    1024,       4096,       65535,
                                    65536,      4194304,    8388608,
                                    16777216,   INT32_MAX,  1ull << 31,
                                    1000000,    UINT32_MAX, 1ull << 32,
                                    1ull << 40, 1ull << 44, 1ull << 50,
                                    INT64_MAX,  1ull << 63, UINT64_MAX - 1,
                                    UINT64_MAX };

static const char *const names[] = {
    "",       ".",       "..",         "../canary/secret", "a/b",   "/etc/passwd", "000-", "000-x",
    "000-..", "000-a/b", "000-%s",     "000-a\nb",         "good0", "box",         "a.b",  "-",
    "000-.",  ".lock",   "000-a.json", "\xff\xfe",         "box\n1"
};

size_t frame_length(const uint8_t *bytes, size_t length)
{
    uint32_t said = 0;
    if (length >= sizeof(struct wire_header))
        memcpy(&said, bytes, sizeof said);
    return said >= sizeof(struct wire_header) && said <= WIRE_REQUEST_MAX && said <= length ? said : length;
}

static key_t8 some_key(void)
{
    return (key_t8){ { (uint8_t)random_below(4), 0xab } };
}

static size_t publish_body(struct publish_request *body)
{
    const struct world_layer *layer = &world_layers[random_below(WORLD_LAYERS)];
    const char *staged = random_below(3) ? layer->staged : world_traps[random_below(world_trap_count)];
    if (staged != layer->staged)
        layer = &world_layers[0];
    strcpy(body->staged, staged);
    strcpy(body->layer, world_layers[random_below(WORLD_LAYERS)].name);
    body->digest = layer->digest;
    body->flags = random_below(4);
    body->sidecar_bytes = layer->sidecar_bytes;
    return sizeof *body;
}

static size_t make_body(struct upper_make_request *body)
{
    *body = (struct upper_make_request){ some_key(), 1 + random_below(3), random_below(2), 16ull << 20, 0 };
    return sizeof *body;
}

/* Up to one more than there may be. */
static uint32_t some_count(void)
{
    return random_below(16) ? 1 + random_below(3) : LAYERS_MAX - 2 + random_below(4);
}

/* The layers behind the fixed part of a body; returns the length of the whole. */
static size_t add_layers(void *body, size_t fixed, uint32_t count)
{
    digest_t *digests = (digest_t *)((uint8_t *)body + fixed);
    for (uint32_t i = 0; i < count; i++)
        digests[i] = world_layers[random_below(WORLD_LAYERS)].digest;
    return fixed + count * sizeof(digest_t);
}

static size_t start_body(struct start_request *body)
{
    uint32_t layers = some_count();
    *body = (struct start_request){ .label = some_key(),
                                    .upper = some_key(),
                                    .hostname = "box",
                                    .memory_bytes = 64 << 20,
                                    .cpu_milli = 1000,
                                    .pids_max = 64,
                                    .flags = random_below(8),
                                    .layer_count = layers };
    return add_layers(body, offsetof(struct start_request, layers), layers);
}

static size_t restack_body(struct restack_request *body)
{
    uint32_t layers = some_count();
    *body = (struct restack_request){ .label = some_key(), .upper = some_key(), .layer_count = layers };
    return add_layers(body, offsetof(struct restack_request, layers), layers);
}

static size_t capture_body(struct capture_request *body)
{
    uint32_t layers = some_count() - 1;
    *body = (struct capture_request){
        .label = some_key(), .upper = some_key(), .timeout_seconds = 1, .flags = random_below(2), .layer_count = layers
    };
    return add_layers(body, offsetof(struct capture_request, layers), layers);
}

/* A valid frame of a random operation. */
static size_t make_frame(uint8_t *frame)
{
    union {
        struct publish_request publish;
        struct upper_make_request make;
        struct start_request start;
        struct restack_request restack;
        struct capture_request capture;
        struct clone_request clone;
        struct kill_request kill;
        struct list_request list;
        digest_t digest;
        key_t8 key;
        uint8_t room[sizeof(struct start_request) + sizeof(digest_t)];
    } body;
    size_t length;
    uint16_t op = (uint16_t)(OP_PROBE + random_below(OP_COUNT - OP_PROBE));
    memset(&body, 0, sizeof body);
    switch (op) {
    case OP_PROBE:
    case OP_READY:
        length = 0;
        break;
    case OP_PUBLISH:
        length = publish_body(&body.publish);
        break;
    case OP_UPPER_MAKE:
        length = make_body(&body.make);
        break;
    case OP_SANDBOX_START:
        length = start_body(&body.start);
        break;
    case OP_RESTACK:
        length = restack_body(&body.restack);
        break;
    case OP_CAPTURE:
        length = capture_body(&body.capture);
        break;
    case OP_UPPER_CLONE:
        body.clone = (struct clone_request){ some_key(), some_key(), some_key() };
        length = sizeof body.clone;
        break;
    case OP_KILL_TREE:
        body.kill = (struct kill_request){ some_key(), random_below(3), 0 };
        length = sizeof body.kill;
        break;
    case OP_LIST:
        body.list = (struct list_request){ 1 + random_below(3), random_below(3) };
        length = sizeof body.list;
        break;
    case OP_UPPER_ATTACH:
    case OP_UPPER_DROP:
    case OP_UPPER_STATS:
    case OP_SANDBOX_STOP:
    case OP_STATS:
        body.key = some_key();
        length = sizeof body.key;
        break;
    default:
        body.digest = world_layers[random_below(WORLD_LAYERS)].digest;
        length = sizeof body.digest;
    }
    struct wire_header header = { (uint32_t)(sizeof header + length), WIRE_VERSION, op, 1 + random_below(1000), 0 };
    memcpy(frame, &header, sizeof header);
    memcpy(frame + sizeof header, &body, length);
    return sizeof header + length;
}

static size_t insert(uint8_t *data, size_t size, size_t max_size, size_t at)
{
    uint8_t frame[WIRE_REQUEST_MAX];
    size_t length = make_frame(frame);
    if (size + length > max_size)
        return size;
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, frame, length);
    return size + length;
}

static size_t copy(uint8_t *data, size_t size, size_t max_size, size_t at)
{
    size_t length = frame_length(data + at, size - at);
    if (size + length > max_size)
        return size;
    memmove(data + at + length, data + at, size - at);
    return size + length;
}

static size_t take_out(uint8_t *data, size_t size, size_t at)
{
    size_t length = frame_length(data + at, size - at);
    memmove(data + at, data + at + length, size - at - length);
    return size - length;
}

/* A frame that is longer or shorter than its operation wants, and says so rightly. */
static size_t resize(uint8_t *data, size_t size, size_t max_size, size_t at)
{
    size_t old = frame_length(data + at, size - at), header = sizeof(struct wire_header);
    size_t steps[] = { 1, 4, 8, 32, random_below(8192) }, step = steps[random_below(5)];
    size_t new = random_below(2) ? old + step : old > step ? old - step : old;
    if (old < header || new < header || new > WIRE_REQUEST_MAX || size - old + new > max_size)
        return size;
    memmove(data + at + new, data + at + old, size - at - old);
    if (new > old)
        memset(data + at + old, (int)random_below(2), new - old);
    memcpy(data + at, &(uint32_t){ (uint32_t) new }, 4);
    return size - old + new;
}

/* Something wrong in the frame: a number, a name, a byte of the header, or whatever libFuzzer has learned. */
static void spoil(uint8_t *frame, size_t length)
{
    size_t header = sizeof(struct wire_header), body = length > header ? length - header : 0;
    uint64_t number = numbers[random_below(sizeof numbers / sizeof *numbers)];
    const char *name = names[random_below(sizeof names / sizeof *names)];
    switch (body ? random_below(8) : 7) {
    case 0:
    case 1:
        if (body >= 4)
            memcpy(frame + header + random_below((uint32_t)(body - 4) / 4 + 1) * 4, &number, 4);
        break;
    case 2:
        if (body >= 8)
            memcpy(frame + header + random_below((uint32_t)(body - 8) / 4 + 1) * 4, &number, 8);
        break;
    case 3:
    case 4: {
        /* Where the names of PUBLISH and SANDBOX_START are, or anywhere. */
        static const size_t places[] = { 0, 128, 16 };
        size_t at = random_below(4) ? places[random_below(3)] : random_below((uint32_t)body);
        for (size_t i = 0; at + i < body && i <= strlen(name); i++)
            frame[header + at + i] = (uint8_t)name[i];
        break;
    }
    case 5:
    case 6:
        LLVMFuzzerMutate(frame + header, body, body);
        break;
    default:
        if (length >= header)
            frame[random_below((uint32_t)header)] = (uint8_t)(random_below(2) ? number : random_below(256));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    state = seed + 0x9e3779b97f4a7c15ull;
    for (unsigned times = 1 + random_below(6); times; times--) {
        size_t at = 0;
        for (unsigned steps = random_below(32); steps && at < size; steps--)
            at += frame_length(data + at, size - at);
        if (at >= size && size)
            at = 0;
        switch (size ? random_below(11) : 0) {
        case 0:
        case 1:
        case 2:
        case 3:
            size = insert(data, size, max_size, at);
            break;
        case 4:
            size = copy(data, size, max_size, at);
            break;
        case 5:
            size = take_out(data, size, at);
            break;
        case 6:
            size = resize(data, size, max_size, at);
            break;
        default:
            spoil(data + at, frame_length(data + at, size - at));
        }
    }
    return size;
}
