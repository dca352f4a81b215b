/* Fixed layouts of the broker's protocol (PROTOCOL.md §1). The structs are the wire: packed, little-endian. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_REQUEST_MAX 8192
#define WIRE_REPLY_MAX 65536
#define WIRE_REPLY_BIT 0x8000
#define WIRE_EVENT_EXITED 0xC001
#define LAYERS_MAX 128 /* a bound of ours; overlayfs itself takes 500 */

enum op {
    OP_PROBE = 1,
    OP_PUBLISH,
    OP_LAYER_ATTACH,
    OP_LAYER_DETACH,
    OP_LAYER_VERIFY,
    OP_LAYER_REMOVE,
    OP_UPPER_MAKE,
    OP_UPPER_ATTACH,
    OP_UPPER_DROP,
    OP_UPPER_STATS,
    OP_SANDBOX_START,
    OP_SANDBOX_STOP,
    OP_KILL_TREE,
    OP_STATS,
    OP_LIST,
    OP_READY,
    OP_RESTACK,
    OP_CAPTURE,
    OP_UPPER_CLONE,
    OP_COUNT
};

typedef struct {
    uint8_t bytes[32];
} digest_t;

/* Labels of sandboxes and names of uppers. */
typedef struct {
    uint8_t bytes[8];
} key_t8;

struct __attribute__((packed)) wire_header {
    uint32_t length;
    uint16_t version;
    uint16_t op;
    uint32_t id;
    uint32_t reserved;
};

struct __attribute__((packed)) wire_outcome {
    uint32_t error;
    uint32_t step;
    char text[112];
};

struct __attribute__((packed)) publish_request {
    char staged[128];
    char layer[136];
    digest_t digest;
    uint32_t flags; /* bit 0: replace, bit 1: the bytes are in the store already */
    uint32_t sidecar_bytes;
};

struct __attribute__((packed)) upper_make_request {
    key_t8 upper;
    uint32_t kind;  /* enum upper_kind */
    uint32_t flags; /* bit 0: sparse */
    uint64_t size_bytes;
    uint64_t reserve_bytes;
};

enum upper_kind { UPPER_DISK = 1, UPPER_TMPFS = 2, UPPER_BTRFS = 3 };

struct __attribute__((packed)) start_request {
    key_t8 label;
    key_t8 upper;
    char hostname[72];
    uint64_t memory_bytes;
    uint32_t cpu_milli;
    uint32_t pids_max;
    uint32_t flags; /* bit 0: nesting, bits 1 and 2: leave or write the files of /etc, whatever is in the upper */
    uint32_t layer_count;
    digest_t layers[LAYERS_MAX]; /* top first; layer_count of them are on the wire */
};

struct __attribute__((packed)) kill_request {
    key_t8 label;
    uint32_t supervisor;
    uint32_t reserved;
};

struct __attribute__((packed)) restack_request {
    key_t8 label;
    key_t8 upper;
    uint32_t layer_count;
    uint32_t flags;              /* bit 0: the upper's root folder becomes like that of the topmost layer */
    digest_t layers[LAYERS_MAX]; /* as in a start */
};

struct __attribute__((packed)) capture_request {
    key_t8 label;
    key_t8 upper;
    uint32_t timeout_seconds;
    uint32_t
        flags; /* bit 0: the upper is a clone, which nobody writes to; bit 1: of the layers alone. Then the sandbox goes on */
    uint32_t layer_count; /* that are captured with the upper, as one; may be 0 */
    uint32_t reserved;
    digest_t layers[LAYERS_MAX]; /* top first */
};

#define CAPTURE_SECONDS_MAX 86400
#define LOSSES 5 /* kinds of what an image cannot hold: packer/report.h */

struct __attribute__((packed)) capture_reply {
    digest_t digest;
    uint64_t size_bytes;
    uint64_t pause_micros; /* how long the sandbox stood still */
    uint64_t lost[LOSSES];
};

struct __attribute__((packed)) clone_request {
    key_t8 label; /* whose upper it is, if it is a running sandbox's */
    key_t8 from;
    key_t8 to;
};

struct __attribute__((packed)) list_request {
    uint32_t kind;
    uint32_t after;
};

enum list_kind { LIST_SANDBOXES = 1, LIST_UPPERS = 2, LIST_LAYERS = 3 };

struct __attribute__((packed)) stats_reply {
    uint64_t memory_bytes, memory_peak_bytes, oom_kills, pids, cpu_micros;
};

#define FLAG_REPLACE 1u
#define FLAG_SPARSE 1u
#define FLAG_NESTING 1u
#define FLAG_KEEP_ETC 2u
#define FLAG_TAKE_ROOT 1u
#define FLAG_WRITE_ETC 4u
#define FLAG_OF_CLONE 1u
#define FLAG_OF_LAYERS 2u
#define FLAG_STORED 2u

/* Whether a request body of this length fits the operation. */
int wire_length_fits(uint16_t op, size_t body_length);
