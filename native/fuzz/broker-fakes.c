/*
 * What a fuzzed broker does not do for real (linked with --wrap): it forks nothing, signals nobody and uses no loop device.
 * Operations run at once where a worker would run them.
 */
#include "broker/capture.h"
#include "broker/image.h"
#include "broker/mkfs.h"
#include "broker/restack.h"
#include "broker/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRAPPED(type, name, ...)     \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(pid_t, fork, void)
{
    errno = EAGAIN;
    return -1;
}

WRAPPED(int, kill, pid_t pid, int signal)
{
    (void)pid, (void)signal;
    return 0;
}

WRAPPED(int, pidfd_send_signal, int pidfd, int signal, siginfo_t *info, unsigned flags)
{
    (void)pidfd, (void)signal, (void)info, (void)flags;
    return 0;
}

void __real_request_handle(struct server *server, uint16_t op, uint32_t id, const void *body, size_t length);

/* In a buffer of its own, AddressSanitizer sees what is read past the end of a body. */
WRAPPED(void, request_handle, struct server *server, uint16_t op, uint32_t id, const void *body, size_t length)
{
    void *copy = malloc(length);
    memcpy(copy, body, length);
    __real_request_handle(server, op, id, copy, length);
    free(copy);
}

/* Once for each session that breaks the protocol: of no use here. */
WRAPPED(void, say, const char *format, ...)
{
    (void)format;
}

WRAPPED(int, make_ext4, int image, struct outcome *out)
{
    (void)image, (void)out;
    return 0;
}

WRAPPED(int, cgroup_freeze, const struct cgroups *cgroups, const char *slot, int frozen)
{
    (void)cgroups, (void)slot, (void)frozen;
    return 0;
}

WRAPPED(int, image_mount, const struct image_mount *image, struct outcome *out)
{
    char path[256];
    if (mkdirat(image->parent, image->mountpoint, 0700) && errno != EEXIST)
        return fail(out, STEP_MOUNT, "%s", image->mountpoint);
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", image->parent, image->mountpoint);
    return mount("image", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") ? fail(out, STEP_MOUNT, "tmpfs") : 0;
}

/* It would leave this process in the namespaces of a machine that is none. */
WRAPPED(int, restack, const struct broker *broker, const void *order, struct outcome *out)
{
    const struct restack_order *restacked = order;
    (void)broker;
    if (restacked->slot >= SLOTS || !restacked->request.layer_count || restacked->request.layer_count > LAYERS_MAX)
        __builtin_trap(); /* what requests.c should have refused */
    return fail_with(out, ESRCH, STEP_MACHINE, "it has ended");
}

WRAPPED(int, capture, const struct broker *broker, const void *order, struct outcome *out)
{
    const struct capture_order *captured = order;
    (void)broker;
    if (captured->slot >= SLOTS || captured->request.layer_count > LAYERS_MAX)
        __builtin_trap(); /* what requests.c should have refused */
    return fail_with(out, ESRCH, STEP_MACHINE, "it has ended");
}

WRAPPED(int, worker_start, struct server *server, const struct errand *errand, struct outcome *out)
{
    struct outcome done = { 0 };
    (void)out;
    int bad = errand->run(&server->broker, errand->request, &done);
    if (bad && !done.wire.error)
        __builtin_trap(); /* a failure that gives no reason */
    if (errand->op)
        reply(server, errand->op, errand->id, &done.wire, done.payload, done.payload_length);
    else {
        /* machines_clean() names the new state after this returns. */
        machine_cleaned(server, errand->slot, &done.wire);
        fail_with(out, EAGAIN, STEP_WORKER, "cleaned already");
        return -1;
    }
    return 0;
}
