/*
 * Writes seccomp-filter.h at build time: the sandboxes' filters and the broker's own as constant BPF, so that the privileged program needs
 * no library to build them. Everything that is not listed answers ENOSYS, as on a kernel that does not have it; what a
 * program may rightly try and must be told about answers EPERM.
 */
#include "seccomp-list.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "seccomp-gen: %s: %s\n", what, strerror(-result));
    exit(1);
}

static void add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    /* A name that this libseccomp or this architecture does not know is not in the filter: it answers ENOSYS. */
    if (number == __NR_SCMP_ERROR || number < 0)
        return;
    check(seccomp_rule_add(filter, action, number, 0), name);
}

/*
 * Whatever sets RLIMIT_CORE is told that it has: machine.c says what its value keeps away. sudo sets it to 0 each time and would
 * complain of a refusal. Everything else of the two calls is the kernel's to decide.
 */
static void add_limits(scmp_filter_ctx filter)
{
    for (unsigned resource = 0; resource < RLIM_NLIMITS; resource++) {
        /* The kernel looks at the lower half of the register alone. */
        struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, resource);
        struct scmp_arg_cmp second = SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, resource);
        if (resource == RLIMIT_CORE) {
            check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(setrlimit), 1, first), "setrlimit");
            check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, second, SCMP_A2(SCMP_CMP_EQ, 0)),
                  "prlimit64");
            check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(prlimit64), 2, second, SCMP_A2(SCMP_CMP_NE, 0)),
                  "prlimit64");
        } else {
            check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setrlimit), 1, first), "setrlimit");
            check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, second), "prlimit64");
        }
    }
}

/*
 * Of netlink what programs ask about their own network. NETLINK_KOBJECT_UEVENT would tell about the devices of the host: the kernel
 * sends those events into every network namespace that belongs to the initial user namespace, as a sandbox's does.
 */
static int is_useful_netlink(unsigned protocol, int nesting)
{
    switch (protocol) {
    case NETLINK_ROUTE:
    case NETLINK_SOCK_DIAG:
    case NETLINK_AUDIT: /* sudo and useradd look whether somebody listens */
    case NETLINK_GENERIC:
        return 1;
    case NETLINK_NETFILTER:
    case NETLINK_XFRM:
        return nesting; /* for networks of their own */
    default:
        return 0;
    }
}

/* Sockets of families that a sandbox has a use for; AF_ALG, AF_VSOCK, AF_PACKET and the rest are attack surface. */
static void add_sockets(scmp_filter_ctx filter, int nesting)
{
    for (unsigned family = 0; family < 64; family++) {
        int useful = family == AF_UNIX || family == AF_INET || family == AF_INET6;
        struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, family);
        if (family != AF_NETLINK) {
            uint32_t action = useful ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EAFNOSUPPORT);
            check(seccomp_rule_add(filter, action, SCMP_SYS(socket), 1, first), "socket");
            continue;
        }
        for (unsigned protocol = 0; protocol < MAX_LINKS; protocol++) {
            int wanted = is_useful_netlink(protocol, nesting);
            uint32_t action = wanted ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPROTONOSUPPORT);
            struct scmp_arg_cmp third = SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffffu, protocol);
            check(seccomp_rule_add(filter, action, SCMP_SYS(socket), 2, first, third), "netlink");
        }
    }
}

static void add_arguments(scmp_filter_ctx filter, int nesting)
{
    if (nesting) {
        static const char *const namespaces[] = { "clone", "unshare", "setns", "mount", "umount2", "pivot_root" };
        for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
            add(filter, SCMP_ACT_ALLOW, namespaces[i]);
    } else {
        /* No user namespace: with one, root inside would have the kernel's whole surface of mounts and netlink. */
        struct scmp_arg_cmp plain = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, 0);
        struct scmp_arg_cmp user = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
        check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, plain), "clone");
        check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, user), "clone");
        check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1, plain), "unshare");
        check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, user), "unshare");
        static const char *const refused[] = { "setns", "mount", "umount2", "pivot_root" };
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            add(filter, SCMP_ACT_ERRNO(EPERM), refused[i]);
    }
    add_sockets(filter, nesting);
}

static scmp_filter_ctx new_filter(void)
{
    /* Other architectures (i386, x32) get ENOSYS too: their numbers would pass a filter made for this one. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        check(-ENOMEM, "init");
    check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "bad architecture");
    check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        add(filter, SCMP_ACT_ALLOW, allowed[i]);
    return filter;
}

static void print(const char *name, scmp_filter_ctx filter)
{
    FILE *bpf = tmpfile();
    if (!bpf)
        check(-errno, "temporary file");
    check(seccomp_export_bpf(filter, fileno(bpf)), "export");
    rewind(bpf);
    printf("static const struct sock_filter %s[] = {\n", name);
    unsigned char i[8];
    while (fread(i, 8, 1, bpf) == 1)
        printf("    { 0x%02x%02x, %u, %u, 0x%02x%02x%02x%02x },\n", i[1], i[0], i[2], i[3], i[7], i[6], i[5], i[4]);
    printf("};\n");
    fclose(bpf);
    seccomp_release(filter);
}

static void write_sandbox_filter(const char *name, int nesting)
{
    scmp_filter_ctx filter = new_filter();
    for (size_t i = 0; i < sizeof refused_calls / sizeof *refused_calls; i++)
        add(filter, SCMP_ACT_ERRNO(EPERM), refused_calls[i]);
    add_arguments(filter, nesting);
    add_limits(filter);
    print(name, filter);
}

static void write_broker_filter(void)
{
    scmp_filter_ctx filter = new_filter();
    for (size_t i = 0; i < sizeof broker_calls / sizeof *broker_calls; i++)
        add(filter, SCMP_ACT_ALLOW, broker_calls[i]);
    print("broker_filter", filter);
}

int main(void)
{
    printf("/* Made by seccomp-gen.c. */\n#pragma once\n#include <linux/filter.h>\n#ifdef BROKER_FILTER\n");
    write_broker_filter();
    printf("#else\n");
    write_sandbox_filter("default_filter", 0);
    write_sandbox_filter("nesting_filter", 1);
    printf("#endif\n");
    return 0;
}
