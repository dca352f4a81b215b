/*
 * Ending a command's tree from outside, whatever root inside does. The sandbox is frozen first, so that nothing forks
 * while its processes are counted; the agent's claims choose between its own processes only.
 */
#include "beneath.h"
#include "kill-choice.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 8192 /* pids_max of a sandbox is far below */

static struct process processes[PROCESSES_MAX];

static int parse_status(struct process *process, const struct stat *agent)
{
    char path[48], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)process->pid);
    if (read_knob(AT_FDCWD, path, text, sizeof text) <= 0)
        return -1;
    char *parent = strstr(text, "\nPPid:\t"), *numbers = strstr(text, "\nNSpid:\t"),
         *state = strstr(text, "\nState:\t");
    if (!parent || !numbers || !state || state[8] == 'Z' || state[8] == 'X')
        return -1;
    process->is_stopped = state[8] == 'T' || state[8] == 't';
    process->parent = atoi(parent + 7);
    /* NSpid lists the pid in each namespace, outermost first. The second is the sandbox's. */
    char *at = strchr(numbers + 8, '\t');
    char *end = strchr(numbers + 8, '\n');
    process->inner = at && end && at < end ? atoi(at + 1) : 0;
    struct stat program;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)process->pid);
    process->is_agent = !stat(path, &program) && program.st_dev == agent->st_dev && program.st_ino == agent->st_ino;
    return 0;
}

/* Fills the table with the living members of the slot; returns how many. */
static int scan(const struct broker *broker, const char *slot, pid_t init)
{
    struct stat agent = { 0 };
    char program[32];
    char line[32];
    int count = 0, fd = cgroup_members(&broker->cgroups, slot);
    FILE *members = fd < 0 ? NULL : fdopen(fd, "r");
    /* The agent that this machine was started with, which an update may have replaced since. */
    snprintf(program, sizeof program, "/proc/%d/exe", (int)init);
    stat(program, &agent);
    while (members && count < PROCESSES_MAX && fgets(line, sizeof line, members)) {
        processes[count] = (struct process){ .pid = atoi(line) };
        if (processes[count].pid > 0 && !parse_status(&processes[count], &agent))
            count++;
    }
    if (members)
        fclose(members);
    return count;
}

/* Who is stopped now; the sandbox is not frozen yet. */
static int note_stopped(const struct broker *broker, const char *slot, pid_t init, pid_t *stopped)
{
    int noted = 0, count = scan(broker, slot, init);
    for (int i = 0; i < count; i++)
        if (processes[i].is_stopped)
            stopped[noted++] = processes[i].pid;
    return noted;
}

static void mark_stopped(int count, const pid_t *stopped, int noted)
{
    for (int i = 0; i < count; i++)
        for (int n = 0; n < noted && !processes[i].is_stopped; n++)
            processes[i].is_stopped = processes[i].pid == stopped[n];
}

static int choose(int count, const struct kill_order *order, int everything)
{
    struct kill_choice choice = { order->init, order->request.supervisor, everything };
    return kill_choose(processes, count, &choice);
}

static int any_left(const struct broker *broker, const char *slot, const struct kill_order *order, int everything)
{
    int count = scan(broker, slot, order->init);
    choose(count, order, everything);
    for (int i = 0; i < count; i++)
        if (processes[i].doomed)
            return 1;
    return 0;
}

int kill_tree(const struct broker *broker, const void *request, struct outcome *out)
{
    static pid_t stopped[PROCESSES_MAX];
    const struct kill_order *order = request;
    uint32_t answered[2] = { 0, 0 };
    char slot[8];
    slot_name(order->slot, slot);
    int noted = cgroup_freezing_hides_stops(&broker->cgroups) ? note_stopped(broker, slot, order->init, stopped) : 0;
    for (int everything = 0; everything < 2; everything++) {
        if (cgroup_freeze(&broker->cgroups, slot, 1))
            return fail(out, STEP_FREEZE, "%s", slot);
        int count = scan(broker, slot, order->init);
        mark_stopped(count, stopped, noted);
        answered[1] = (uint32_t)choose(count, order, everything);
        for (int i = 0; i < count; i++)
            if (processes[i].doomed && !kill(processes[i].pid, SIGKILL))
                answered[0]++;
        if (cgroup_freeze(&broker->cgroups, slot, 0))
            return fail(out, STEP_FREEZE, "thaw %s", slot);
        /* 300 ms: a killed process may have memory to give back first. */
        int left = 1;
        for (int tries = 0; tries < 60 && left; tries++) {
            left = any_left(broker, slot, order, everything);
            if (left)
                nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
        }
        if (!left) {
            answer(out, answered, sizeof answered);
            return 0;
        }
    }
    return fail_with(out, EBUSY, STEP_KILL, "%s", slot);
}

int kill_members(const struct broker *broker, const char *slot)
{
    cgroup_freeze(&broker->cgroups, slot, 0);
    for (int tries = 0; tries < 1000; tries++) {
        int count = scan(broker, slot, 0);
        if (!count)
            return 0;
        for (int i = 0; i < count; i++)
            kill(processes[i].pid, SIGKILL);
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    errno = EBUSY;
    return -1;
}
