#include "agent/descendants.h"

#include "agent/tree.h"
#include "common/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* After that the daemon asks the broker, who can freeze the tree first (PROTOCOL.md, "The life of a command"). */
#define KILL_PATIENCE_MS 200
/* Between two looks; the dead need a moment to be reaped. */
#define KILL_AGAIN_MS 2

/*
 * The quick way for most trees, a fork bomb too. Kernel: the signal reaches every member of the group at one moment,
 * and a fork that is
 * under way sees it (kill(2), copy_process), so nothing of the group is left.
 */
static void kill_group(struct descendants *tree, pid_t leader)
{
    tree->we_killed = true;
    kill(-leader, SIGKILL);
}

void reap_descendants(struct descendants *tree)
{
    int status;
    pid_t pid;
    pid_t ended_first = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == tree->first) {
            ended_first = pid;
            tree->first = 0;
            tree->first_status = status;
        }
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !tree->we_killed)
            tree->stranger_kills++;
    }
    if (pid < 0 && errno == ECHILD)
        tree->all_gone = true;
    /* Kernel: the number of a group is not given away while it has members. */
    else if (ended_first)
        kill_group(tree, ended_first);
}

void kill_descendants(struct descendants *tree)
{
    int64_t now = now_ms();
    if (tree->all_gone || tree->gave_up)
        return;
    if (!tree->give_up_at)
        tree->give_up_at = now + KILL_PATIENCE_MS;
    else if (now < tree->kill_again_at)
        return;
    if (now >= tree->give_up_at) {
        tree->gave_up = true;
        return;
    }
    if (tree->first)
        kill_group(tree, tree->first);
    tree->we_killed = true;
    kill_tree_below(getpid(), NULL);
    tree->kill_again_at = now_ms() + KILL_AGAIN_MS;
}

int ms_until_next_kill(const struct descendants *tree)
{
    return tree->give_up_at && !tree->all_gone && !tree->gave_up ? ms_until(tree->kill_again_at) : -1;
}
