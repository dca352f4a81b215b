#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int try_attach(char **words)
{
    pid_t pid = atoi(words[0]);
    if (ptrace(PTRACE_ATTACH, pid, 0, 0))
        return -1;
    /* It must have stopped before it can be let go, and would stay stopped otherwise. */
    waitpid(pid, NULL, __WALL);
    return (int)ptrace(PTRACE_DETACH, pid, 0, 0);
}

int try_read_memory(char **words)
{
    char byte;
    struct iovec here = { &byte, 1 }, there = { (void *)4096, 1 };
    return process_vm_readv(atoi(words[0]), &here, 1, &there, 1, 0) < 0 ? -1 : 0;
}

int try_i386(char **words)
{
    (void)words;
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return 0;
#else
    errno = ENOSYS;
    return -1;
#endif
}

int try_be_root(char **words)
{
    (void)words;
    errno = EPERM;
    return geteuid() ? -1 : 0;
}
