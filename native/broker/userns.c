#include "userns.h"

#include "beneath.h"
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Never without its parent: it has the lock of the state root, and no broker could be started any more. */
static _Noreturn void wait_in_namespace(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(1);
    for (;;)
        pause();
}

/*
 * Kernel: a user namespace exists through a process in it or a descriptor of it, and its map is written once, from outside.
 * So a child enters it and waits; after the map is written and the descriptor is open, the child has done its part.
 */
int userns_make(uint32_t first, struct outcome *out)
{
    struct clone_args arguments = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
    pid_t parent = getpid();
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0)
        return fail(out, STEP_USERNS, "clone3");
    if (child == 0)
        wait_in_namespace(parent);
    char map[48], path[48];
    int fd = -1;
    snprintf(map, sizeof map, "0 %u %u", first, IDS_PER_SLOT);
    snprintf(path, sizeof path, "/proc/%d", (int)child);
    int process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0 || write_knob(process, "uid_map", map) || write_knob(process, "gid_map", map))
        fail(out, STEP_USERNS, "map %s", map);
    else if ((fd = openat(process, "ns/user", O_RDONLY | O_CLOEXEC)) < 0)
        fail(out, STEP_USERNS, "open");
    if (process >= 0)
        close(process);
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return fd;
}
