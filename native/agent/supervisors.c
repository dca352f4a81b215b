#include "agent/supervisors.h"

static pid_t pids[SUPERVISORS_MAX];
static int count;

bool supervisors_full(void)
{
    return count == SUPERVISORS_MAX;
}

void add_supervisor(pid_t pid)
{
    pids[count++] = pid;
}

static int index_of(pid_t pid)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return i;
    return -1;
}

bool is_supervisor(pid_t pid)
{
    return index_of(pid) >= 0;
}

bool remove_supervisor(pid_t pid)
{
    int index = index_of(pid);
    if (index < 0)
        return false;
    pids[index] = pids[--count];
    return true;
}
