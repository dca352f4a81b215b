#include "agent/wait.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t child_event;
static sigset_t all_but_child;

static void on_child(int signal_number)
{
    (void)signal_number;
    child_event = 1;
}

void block_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /*
     * Kernel: a signal that is ignored stays ignored across execve, so nothing may be inherited from who started PID 1.
     */
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL);
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    sigfillset(&all_but_child);
    sigdelset(&all_but_child, SIGCHLD);
}

void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int wait_for_events(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L };
    int n = ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, &all_but_child);
    if (n >= 0 || errno != EINTR)
        return n;
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = 0;
    return 0;
}

bool take_child_event(void)
{
    bool event = child_event;
    child_event = 0;
    return event;
}
