/* What a request means. Every field is checked here; what takes time is given to a worker. */
#include "capture.h"
#include "clone.h"
#include "layers.h"
#include "restack.h"
#include "server.h"
#include "uppers.h"

#include <errno.h>
#include <string.h>

#define MEMORY_MIN (8ull << 20)
#define MEMORY_MAX (1ull << 50)
#define SHORT_MS 30000
#define LONG_MS 900000 /* hashing a layer of tens of gigabytes */

static int run_publish(const struct broker *broker, const void *request, struct outcome *out)
{
    return layer_publish(broker, request, out);
}

static int run_attach(const struct broker *broker, const void *request, struct outcome *out)
{
    return layer_attach(broker, request, out);
}

static int run_detach(const struct broker *broker, const void *request, struct outcome *out)
{
    return layer_detach(broker, request, out);
}

static int run_verify(const struct broker *broker, const void *request, struct outcome *out)
{
    return layer_verify(broker, request, out);
}

static int run_remove(const struct broker *broker, const void *request, struct outcome *out)
{
    return layer_remove(broker, request, out);
}

static int run_make(const struct broker *broker, const void *request, struct outcome *out)
{
    return upper_make(broker, request, out);
}

static int run_upper_attach(const struct broker *broker, const void *request, struct outcome *out)
{
    return upper_attach(broker, request, out);
}

static int run_drop(const struct broker *broker, const void *request, struct outcome *out)
{
    return upper_drop(broker, request, out);
}

/* One operation on an object at a time: a key is what kind of object it is, and which. */
struct object_key {
    uint8_t bytes[33];
};

static struct object_key key_of(char kind, const void *object, size_t length)
{
    struct object_key key = { { (uint8_t)kind } };
    memcpy(key.bytes + 1, object, length);
    return key;
}

static int check_idle(const struct server *server, const struct object_key *key, struct outcome *out)
{
    if (worker_holds(server, key->bytes))
        return fail_with(out, EBUSY, STEP_REQUEST, "another operation on it is under way");
    return 0;
}

static void in_worker(struct server *server, struct errand *errand, char kind, const void *object, size_t length)
{
    struct outcome out = { 0 };
    struct object_key key = key_of(kind, object, length);
    errand->key = key.bytes;
    if (!check_idle(server, &key, &out))
        worker_start(server, errand, &out);
    if (out.wire.error)
        reply(server, errand->op, errand->id, &out.wire, NULL, 0);
}

static int check_publish(const struct publish_request *request, struct outcome *out)
{
    if (!name_is_padded(request->staged, sizeof request->staged) || !staged_name_is_valid(request->staged))
        return fail_with(out, EINVAL, STEP_REQUEST, "staged name");
    if (!name_is_padded(request->layer, sizeof request->layer) || !layer_name_is_valid(request->layer))
        return fail_with(out, EINVAL, STEP_REQUEST, "layer name");
    if (request->flags & ~(FLAG_REPLACE | FLAG_STORED))
        return fail_with(out, EINVAL, STEP_REQUEST, "flags");
    return 0;
}

static int check_make(const struct upper_make_request *request, struct outcome *out)
{
    if (request->kind < UPPER_DISK || request->kind > UPPER_BTRFS || request->flags & ~FLAG_SPARSE)
        return fail_with(out, EINVAL, STEP_REQUEST, "kind or flags");
    return 0;
}

static int check_start(const struct start_request *request, size_t length, struct outcome *out)
{
    size_t layers = (length - offsetof(struct start_request, layers)) / sizeof(digest_t);
    if (request->layer_count != layers)
        return fail_with(out, EINVAL, STEP_REQUEST, "layer count");
    if (!name_is_padded(request->hostname, sizeof request->hostname) || !hostname_is_valid(request->hostname))
        return fail_with(out, EINVAL, STEP_REQUEST, "host name");
    if (request->memory_bytes < MEMORY_MIN || request->memory_bytes > MEMORY_MAX || request->cpu_milli < 1 ||
        request->cpu_milli > 1024000 || request->pids_max < 4 || request->pids_max > 4096)
        return fail_with(out, EINVAL, STEP_REQUEST, "limits");
    if (request->flags & ~(FLAG_NESTING | FLAG_KEEP_ETC | FLAG_WRITE_ETC))
        return fail_with(out, EINVAL, STEP_REQUEST, "flags");
    return 0;
}

static void handle_probe(struct server *server, uint32_t id)
{
    struct __attribute__((packed)) {
        uint32_t mode, flags;
        uint64_t uid_base;
    } body = { (uint32_t)server->broker.cgroups.mode, (uint32_t)server->broker.cgroups.has_swap_accounting,
               server->broker.uid_base };
    reply(server, OP_PROBE, id, &(struct wire_outcome){ 0 }, &body, sizeof body);
}

static void handle_start(struct server *server, uint32_t id, const void *body, size_t length)
{
    struct start_request request = { 0 };
    struct outcome out = { 0 };
    memcpy(&request, body, length);
    struct object_key upper = key_of('u', &request.upper, sizeof request.upper);
    if (check_start(&request, length, &out) || check_idle(server, &upper, &out))
        reply(server, OP_SANDBOX_START, id, &out.wire, NULL, 0);
    else
        machine_start_requested(server, id, &request);
}

static void handle_kill(struct server *server, uint32_t id, const struct kill_request *request)
{
    struct outcome out = { 0 };
    const struct machine *machine = machine_of(server, &request->label);
    if (!machine || machine->state != MACHINE_RUNNING || request->reserved) {
        fail_with(&out, machine ? EINVAL : ENOENT, STEP_MACHINE, "it does not run");
        return reply(server, OP_KILL_TREE, id, &out.wire, NULL, 0);
    }
    struct kill_order order = { *request, (unsigned)(machine - server->machines), machine->pid };
    struct errand errand = {
        .op = OP_KILL_TREE, .id = id, .slot = order.slot, .run = kill_tree, .request = &order, .deadline_ms = SHORT_MS
    };
    in_worker(server, &errand, 'k', &request->label, sizeof request->label);
}

static int check_restack(struct server *server, const struct restack_request *request, size_t length,
                         struct outcome *out)
{
    size_t layers = (length - offsetof(struct restack_request, layers)) / sizeof(digest_t);
    const struct machine *machine = machine_of(server, &request->label);
    struct object_key upper = key_of('u', &request->upper, sizeof request->upper);
    if (request->layer_count != layers || request->flags & ~FLAG_TAKE_ROOT)
        return fail_with(out, EINVAL, STEP_REQUEST, "layer count or flags");
    if (!machine || machine->state != MACHINE_RUNNING)
        return fail_with(out, ENOENT, STEP_MACHINE, "it does not run");
    if (memcmp(&request->upper, &machine->upper, sizeof request->upper) && machine_has_upper(server, &request->upper))
        return fail_with(out, EBUSY, STEP_UPPER, "another sandbox has it");
    return check_idle(server, &upper, out);
}

static void handle_restack(struct server *server, uint32_t id, const void *body, size_t length)
{
    struct restack_order order = { 0 };
    struct outcome out = { 0 };
    memcpy(&order.request, body, length);
    struct object_key key = key_of('k', &order.request.label, sizeof order.request.label);
    if (check_restack(server, &order.request, length, &out) || check_idle(server, &key, &out))
        return reply(server, OP_RESTACK, id, &out.wire, NULL, 0);
    struct machine *machine = machine_of(server, &order.request.label);
    order.slot = (unsigned)(machine - server->machines);
    order.init = machine->pid;
    order.pidfd = machine->pidfd;
    struct errand errand = { .op = OP_RESTACK,
                             .id = id,
                             .slot = order.slot,
                             .key = key.bytes,
                             .run = restack,
                             .request = &order,
                             .deadline_ms = SHORT_MS };
    if (worker_start(server, &errand, &out))
        return reply(server, OP_RESTACK, id, &out.wire, NULL, 0);
    machine->is_restacking = 1;
    machine->next_upper = order.request.upper;
}

static int check_capture(struct server *server, const struct capture_request *request, size_t length,
                         struct outcome *out)
{
    size_t layers = (length - offsetof(struct capture_request, layers)) / sizeof(digest_t);
    const struct machine *machine = machine_of(server, &request->label);
    if (request->layer_count != layers || !request->timeout_seconds || request->timeout_seconds > CAPTURE_SECONDS_MAX)
        return fail_with(out, EINVAL, STEP_REQUEST, "layer count or time");
    if (!machine || machine->state != MACHINE_RUNNING)
        return fail_with(out, ENOENT, STEP_MACHINE, "it does not run");
    if (request->flags & ~(FLAG_OF_CLONE | FLAG_OF_LAYERS) || request->reserved ||
        (request->flags & FLAG_OF_LAYERS && !request->layer_count))
        return fail_with(out, EINVAL, STEP_REQUEST, "flags");
    if (request->flags & FLAG_OF_CLONE && machine_has_upper(server, &request->upper))
        return fail_with(out, EBUSY, STEP_UPPER, "a sandbox has it");
    if (!request->flags && memcmp(&request->upper, &machine->upper, sizeof request->upper))
        return fail_with(out, EINVAL, STEP_UPPER, "it has another");
    return 0;
}

static void handle_capture(struct server *server, uint32_t id, const void *body, size_t length)
{
    struct capture_order order = { 0 };
    struct outcome out = { 0 };
    memcpy(&order.request, body, length);
    if (check_capture(server, &order.request, length, &out))
        return reply(server, OP_CAPTURE, id, &out.wire, NULL, 0);
    order.slot = (unsigned)(machine_of(server, &order.request.label) - server->machines);
    struct errand errand = { .op = OP_CAPTURE,
                             .id = id,
                             .slot = order.slot,
                             .run = capture,
                             .request = &order,
                             .deadline_ms = order.request.timeout_seconds * 1000 };
    in_worker(server, &errand, 'k', &order.request.label, sizeof order.request.label);
}

static void handle_clone(struct server *server, uint32_t id, const struct clone_request *request)
{
    struct outcome out = { 0 };
    struct clone_order order = { *request, -1 };
    const struct machine *machine = machine_of(server, &request->label);
    int is_running = machine && machine->state == MACHINE_RUNNING;
    int is_its = is_running && !memcmp(&request->from, &machine->upper, sizeof request->from);
    struct object_key to = key_of('u', &request->to, sizeof request->to);
    if (!memcmp(&request->from, &request->to, sizeof request->from))
        fail_with(&out, EINVAL, STEP_REQUEST, "onto itself");
    else if (machine_has_upper(server, &request->to) || (!is_its && machine_has_upper(server, &request->from)))
        fail_with(&out, EBUSY, STEP_UPPER, "a sandbox has it");
    else
        check_idle(server, &to, &out);
    if (out.wire.error)
        return reply(server, OP_UPPER_CLONE, id, &out.wire, NULL, 0);
    if (is_its)
        order.slot = (int)(machine - server->machines);
    struct errand errand = {
        .op = OP_UPPER_CLONE, .id = id, .run = clone_upper, .request = &order, .deadline_ms = SHORT_MS
    };
    if (!is_its)
        return in_worker(server, &errand, 'u', &request->to, sizeof request->to);
    errand.slot = (unsigned)order.slot;
    in_worker(server, &errand, 'k', &request->label, sizeof request->label);
}

static void handle_stats(struct server *server, uint32_t id, const key_t8 *label)
{
    struct outcome out = { 0 };
    struct stats_reply stats = { 0 };
    const struct machine *machine = machine_of(server, label);
    if (machine && machine->state == MACHINE_RUNNING) {
        char name[8];
        slot_name((unsigned)(machine - server->machines), name);
        cgroup_stats(&server->broker.cgroups, name, &stats);
    } else {
        fail_with(&out, ENOENT, STEP_MACHINE, "it does not run");
    }
    reply(server, OP_STATS, id, &out.wire, &stats, sizeof stats);
}

static void handle_upper_stats(struct server *server, uint32_t id, const key_t8 *upper)
{
    struct outcome out = { 0 };
    upper_stats(&server->broker, upper, &out);
    reply(server, OP_UPPER_STATS, id, &out.wire, out.payload, out.payload_length);
}

void request_handle(struct server *server, uint16_t op, uint32_t id, const void *body, size_t length)
{
    static const operation operations[OP_COUNT] = {
        [OP_PUBLISH] = run_publish,           [OP_LAYER_ATTACH] = run_attach, [OP_LAYER_DETACH] = run_detach,
        [OP_LAYER_VERIFY] = run_verify,       [OP_LAYER_REMOVE] = run_remove, [OP_UPPER_MAKE] = run_make,
        [OP_UPPER_ATTACH] = run_upper_attach, [OP_UPPER_DROP] = run_drop,
    };
    struct errand errand = { .op = op, .id = id, .request = body, .deadline_ms = SHORT_MS };
    struct outcome out = { 0 };
    if (op < OP_COUNT)
        errand.run = operations[op];
    switch (op) {
    case OP_PROBE:
        return handle_probe(server, id);
    case OP_READY:
        server->daemon_ready = 1;
        server->deaths = 0;
        return reply(server, op, id, &out.wire, NULL, 0);
    case OP_PUBLISH:
        errand.deadline_ms = LONG_MS;
        if (!check_publish(body, &out))
            return in_worker(server, &errand, 'p', "publish", 8);
        break;
    case OP_LAYER_ATTACH:
    case OP_LAYER_VERIFY:
        errand.deadline_ms = LONG_MS;
        return in_worker(server, &errand, 'l', body, sizeof(digest_t));
    case OP_LAYER_DETACH:
    case OP_LAYER_REMOVE:
        return in_worker(server, &errand, 'l', body, sizeof(digest_t));
    case OP_UPPER_MAKE:
        if (!check_make(body, &out))
            return in_worker(server, &errand, 'u', body, sizeof(key_t8));
        break;
    case OP_UPPER_DROP:
        if (machine_has_upper(server, body)) {
            fail_with(&out, EBUSY, STEP_UPPER, "a sandbox has it");
            break;
        }
        return in_worker(server, &errand, 'u', body, sizeof(key_t8));
    case OP_UPPER_ATTACH:
        return in_worker(server, &errand, 'u', body, sizeof(key_t8));
    case OP_UPPER_STATS:
        return handle_upper_stats(server, id, body);
    case OP_SANDBOX_START:
        return handle_start(server, id, body, length);
    case OP_SANDBOX_STOP:
        return machine_stop_requested(server, id, body);
    case OP_RESTACK:
        return handle_restack(server, id, body, length);
    case OP_UPPER_CLONE:
        return handle_clone(server, id, body);
    case OP_CAPTURE:
        return handle_capture(server, id, body, length);
    case OP_KILL_TREE:
        return handle_kill(server, id, body);
    case OP_STATS:
        return handle_stats(server, id, body);
    case OP_LIST:
        return list_handle(server, id, body);
    default:
        fail_with(&out, ENOSYS, STEP_REQUEST, "operation %u", op);
    }
    reply(server, op, id, &out.wire, NULL, 0);
}
