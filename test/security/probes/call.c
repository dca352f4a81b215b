/* Any system call, its arguments given as words, so that an attempt is a row of a table and not a program. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMED(name)       \
    {                     \
#name, SYS_##name \
    }

static const struct {
    const char *name;
    long number;
} calls[] = {
    NAMED(acct),
    NAMED(add_key),
    NAMED(adjtimex),
    NAMED(bpf),
    NAMED(capset),
    NAMED(clock_settime),
    NAMED(clone),
    NAMED(clone3),
    NAMED(delete_module),
    NAMED(fanotify_init),
    NAMED(finit_module),
    NAMED(fsopen),
    NAMED(init_module),
    NAMED(io_uring_setup),
    NAMED(ioctl),
    NAMED(kexec_file_load),
    NAMED(kexec_load),
    NAMED(keyctl),
    NAMED(kill),
    NAMED(mknodat),
    NAMED(mount),
    NAMED(mount_setattr),
    NAMED(move_mount),
    NAMED(open_tree),
    NAMED(openat),
    NAMED(perf_event_open),
    NAMED(pidfd_getfd),
    NAMED(pidfd_open),
    NAMED(pivot_root),
    NAMED(prlimit64),
    NAMED(process_madvise),
    NAMED(ptrace),
    NAMED(quotactl),
    NAMED(reboot),
    NAMED(request_key),
    NAMED(sched_setscheduler),
    NAMED(sethostname),
    NAMED(setns),
    NAMED(setpriority),
    NAMED(settimeofday),
    NAMED(socket),
    NAMED(swapon),
    NAMED(syslog),
    NAMED(umount2),
    NAMED(unshare),
    NAMED(userfaultfd),
#ifdef __x86_64__
    NAMED(iopl),
    NAMED(ioperm),
    NAMED(modify_ldt),
#endif
};

/* Numbers after one another in memory, 256 zero bytes behind them: what a structure of the kernel looks like. */
static void *numbers(char *list, size_t width)
{
    unsigned char *memory = calloc(1, 4096);
    if (!memory)
        exit(2);
    size_t at = 0;
    for (char *word = strtok(list, ","); word; word = strtok(NULL, ","), at += width) {
        uint64_t value = strtoull(word, NULL, 0);
        memcpy(memory + at, &value, width);
    }
    return memory;
}

/* `str:TEXT` and `u32:1,2` and `u64:1,2` are addresses of such, `open:PATH` and `fd:PATH` descriptors, all else numbers. */
static long argument(char *word)
{
    if (!strncmp(word, "str:", 4))
        return (long)(word + 4);
    if (!strncmp(word, "u32:", 4))
        return (long)numbers(word + 4, 4);
    if (!strncmp(word, "u64:", 4))
        return (long)numbers(word + 4, 8);
    if (!strncmp(word, "open:", 5)) {
        int fd = open(word + 5, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            dprintf(STDOUT_FILENO, "open: %s\n", strerrorname_np(errno));
            exit(0);
        }
        return fd;
    }
    return (long)strtoull(word, NULL, 0);
}

static long call_number(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!strcmp(calls[i].name, name))
            return calls[i].number;
    char *end;
    long number = strtol(name, &end, 0);
    if (*end || end == name) {
        fprintf(stderr, "no such call: %s\n", name);
        exit(2);
    }
    return number;
}

int try_call(char **words)
{
    long number = call_number(words[0]), values[6] = { 0 };
    for (int i = 0; i < 6 && words[i + 1]; i++)
        values[i] = argument(words[i + 1]);
    pid_t self = getpid();
    errno = 0;
    long result = syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
    /* A clone that was not refused is here twice. */
    if (result == 0 && getpid() != self)
        _exit(0);
    return result < 0 ? -1 : 0;
}
