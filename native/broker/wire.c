#include "wire.h"

/* A body that ends with digests, at most LAYERS_MAX. */
static int fits_with_layers(size_t length, size_t fixed)
{
    return length >= fixed && (length - fixed) % sizeof(digest_t) == 0 &&
           (length - fixed) / sizeof(digest_t) <= LAYERS_MAX;
}

int wire_length_fits(uint16_t op, size_t length)
{
    switch (op) {
    case OP_PROBE:
    case OP_READY:
        return length == 0;
    case OP_PUBLISH:
        return length == sizeof(struct publish_request);
    case OP_LAYER_ATTACH:
    case OP_LAYER_DETACH:
    case OP_LAYER_VERIFY:
    case OP_LAYER_REMOVE:
        return length == sizeof(digest_t);
    case OP_UPPER_MAKE:
        return length == sizeof(struct upper_make_request);
    case OP_UPPER_ATTACH:
    case OP_UPPER_DROP:
    case OP_UPPER_STATS:
    case OP_SANDBOX_STOP:
    case OP_STATS:
        return length == sizeof(key_t8);
    case OP_SANDBOX_START:
        return fits_with_layers(length, offsetof(struct start_request, layers)) &&
               length > offsetof(struct start_request, layers);
    case OP_RESTACK:
        return fits_with_layers(length, offsetof(struct restack_request, layers)) &&
               length > offsetof(struct restack_request, layers);
    case OP_CAPTURE:
        return fits_with_layers(length, offsetof(struct capture_request, layers));
    case OP_UPPER_CLONE:
        return length == sizeof(struct clone_request);
    case OP_KILL_TREE:
        return length == sizeof(struct kill_request);
    case OP_LIST:
        return length == sizeof(struct list_request);
    default:
        return 0;
    }
}
