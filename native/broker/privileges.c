/*
 * Everything that takes power away, in the one order that works (tried on 6.18):
 * the user namespace first, because entering it refills the bounding set and resets securebits; the bounding set next;
 * seccomp while CAP_SYS_ADMIN is still effective, because without no_new_privs the kernel asks for it; the rest last.
 */
#include "beneath.h"
#include "machine.h"
#include "seccomp-filter.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What set-uid programs, package managers and servers need inside; nothing that mounts, traces, loads or configures.
 * CAP_NET_RAW opens nothing here, because the network namespace is the initial user namespace's. But a program whose file
 * carries it, as ping's does, cannot even be executed where it is out of the bounding set (capabilities(7), safety checking).
 */
#define KEPT                                                                                                     \
    (1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_KILL | \
     1ull << CAP_SETGID | 1ull << CAP_SETUID | 1ull << CAP_SETPCAP | 1ull << CAP_SETFCAP |                       \
     1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_NET_RAW | 1ull << CAP_SYS_CHROOT | 1ull << CAP_MKNOD |           \
     1ull << CAP_AUDIT_WRITE)

static int enter_userns(int userns, struct outcome *out)
{
    /* setns and not unshare: the namespace that maps the layers is the one the sandbox lives in, made beforehand. */
    if (setns(userns, CLONE_NEWUSER))
        return fail(out, STEP_USERNS, "setns");
    if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
        return fail(out, STEP_USERNS, "become its root");
    return 0;
}

static int close_nesting(const struct machine_start *start, struct outcome *out)
{
    /* Kernel: user.* is looked up in the namespace of whoever opens it. Opened before setns, this would be the host's limit. */
    if (!(start->request->flags & FLAG_NESTING) && write_knob(start->sysctl, "user/max_user_namespaces", "0"))
        return fail(out, STEP_SYSCTL, "user.max_user_namespaces");
    close(start->sysctl);
    return 0;
}

static int drop_bounding_set(uint64_t kept, struct outcome *out)
{
    for (unsigned capability = 0; capability < 64; capability++) {
        if (kept & 1ull << capability || !prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            continue;
        if (errno == EINVAL) /* past the last capability of this kernel */
            return 0;
        return fail(out, STEP_CAPABILITIES, "capability %u", capability);
    }
    return 0;
}

static int install_filter(int nesting, struct outcome *out)
{
    struct sock_fprog program = {
        .len =
            nesting ? sizeof nesting_filter / sizeof *nesting_filter : sizeof default_filter / sizeof *default_filter,
        .filter = (struct sock_filter *)(nesting ? nesting_filter : default_filter),
    };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        return fail(out, STEP_SECCOMP, "filter of %u", program.len);
    return 0;
}

static int drop_capabilities(uint64_t kept, struct outcome *out)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {
        { .effective = (uint32_t)kept, .permitted = (uint32_t)kept },
        { .effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32) },
    };
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || syscall(SYS_capset, &header, data))
        return fail(out, STEP_CAPABILITIES, "capset");
    return 0;
}

int privileges_drop(const struct machine_start *start, struct outcome *out)
{
    if (enter_userns(start->userns, out) || etc_write(start, out) || close_nesting(start, out) ||
        drop_bounding_set(KEPT, out) || install_filter(start->request->flags & FLAG_NESTING, out))
        return -1;
    return drop_capabilities(KEPT, out);
}

int privileges_drop_to_read(int userns, struct outcome *out)
{
    /* Of files whose ids the namespace maps: it reads what a sandbox has closed to itself. */
    const uint64_t kept = 1ull << CAP_DAC_READ_SEARCH;
    if (enter_userns(userns, out) || drop_bounding_set(kept, out))
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail(out, STEP_CAPABILITIES, "no_new_privs");
    return install_filter(0, out) || drop_capabilities(kept, out) ? -1 : 0;
}
