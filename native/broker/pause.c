#include "pause.h"

#include "starter.h"

#include <time.h>

static uint64_t now_micros(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int pause_machine(const struct broker *broker, unsigned slot, const struct pause *pause, struct outcome *out)
{
    char name[8];
    slot_name(slot, name);
    uint64_t since = now_micros();
    if (cgroup_freeze_all(&broker->cgroups, name))
        return fail(out, STEP_FREEZE, "%s", name);
    int bad = pause->work(broker, pause->context, out);
    if (cgroup_freeze(&broker->cgroups, name, 0) && !bad)
        bad = fail(out, STEP_FREEZE, "thaw %s", name);
    *pause->micros = now_micros() - since;
    return bad;
}
