#include "clone.h"

#include "beneath.h"
#include "pause.h"
#include "pool.h"
#include "uppers.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Kernel: a snapshot of a subvolume writes what is dirty in it first. Written before, that is no part of the pause. */
static int flush(const struct broker *broker, const key_t8 *upper, struct outcome *out)
{
    char path[64] = UPPER_MOUNTS "/";
    hex(upper->bytes, 8, path + sizeof UPPER_MOUNTS);
    int root = open_beneath(broker->run, path, O_RDONLY | O_DIRECTORY, 0);
    int bad = root < 0 || syncfs(root) ? fail(out, STEP_UPPER, "flush %s", path) : 0;
    if (root >= 0)
        close(root);
    return bad;
}

static int clone_now(const struct broker *broker, void *request, struct outcome *out)
{
    return pool_clone(broker, request, out);
}

int clone_upper(const struct broker *broker, const void *request, struct outcome *out)
{
    struct clone_order order = *(const struct clone_order *)request;
    uint64_t pause_micros = 0;
    /* What no machine has was flushed when it was cloned itself. */
    int bad = order.slot < 0 ? 0 : flush(broker, &order.request.from, out);
    if (!bad)
        bad = order.slot < 0 ? clone_now(broker, &order.request, out)
                             : pause_machine(broker, (unsigned)order.slot,
                                             &(struct pause){ clone_now, &order.request, &pause_micros }, out);
    if (!bad && upper_attach(broker, &order.request.to, out)) {
        struct outcome undone = { 0 };
        bad = -1;
        pool_drop(broker, &order.request.to, &undone);
    }
    if (!bad)
        answer(out, &pause_micros, sizeof pause_micros);
    return bad;
}
