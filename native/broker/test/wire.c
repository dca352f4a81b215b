#include "broker/wire.h"
#include "check.h"

/* Of every length that a frame can have, which ones does the operation take? */
static unsigned lengths_taken(uint16_t op, size_t *first)
{
    unsigned count = 0;
    for (size_t length = WIRE_REQUEST_MAX + 1; length-- > 0;)
        if (wire_length_fits(op, length)) {
            count++;
            *first = length;
        }
    return count;
}

void test_wire(void)
{
    static const size_t only[OP_COUNT] = {
        [OP_PROBE] = 0,         [OP_PUBLISH] = 304,     [OP_LAYER_ATTACH] = 32, [OP_LAYER_DETACH] = 32,
        [OP_LAYER_VERIFY] = 32, [OP_LAYER_REMOVE] = 32, [OP_UPPER_MAKE] = 32,   [OP_UPPER_ATTACH] = 8,
        [OP_UPPER_DROP] = 8,    [OP_UPPER_STATS] = 8,   [OP_SANDBOX_STOP] = 8,  [OP_KILL_TREE] = 16,
        [OP_STATS] = 8,         [OP_LIST] = 8,          [OP_READY] = 0,         [OP_SANDBOX_START] = 112 + 32,
        [OP_RESTACK] = 24 + 32, [OP_CAPTURE] = 32,      [OP_UPPER_CLONE] = 24,
    };
    for (uint16_t op = OP_PROBE; op < OP_COUNT; op++) {
        size_t first = SIZE_MAX;
        unsigned taken = lengths_taken(op, &first);
        unsigned lengths = op == OP_CAPTURE                             ? LAYERS_MAX + 1
                           : op == OP_SANDBOX_START || op == OP_RESTACK ? LAYERS_MAX
                                                                        : 1;
        CHECK(taken == lengths);
        CHECK(first == only[op]);
    }
    CHECK(wire_length_fits(OP_SANDBOX_START, sizeof(struct start_request)));
    CHECK(!wire_length_fits(OP_SANDBOX_START, sizeof(struct start_request) + 32));
    CHECK(!wire_length_fits(OP_SANDBOX_START, 112));
    unsigned strangers = 0;
    for (unsigned op = 0; op <= UINT16_MAX; op++)
        if (op < OP_PROBE || op >= OP_COUNT)
            strangers += wire_length_fits((uint16_t)op, 0) || wire_length_fits((uint16_t)op, 8);
    CHECK(strangers == 0);
}
