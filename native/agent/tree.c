#include "agent/tree.h"

#include "agent/connection.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PID_LIMIT (4u * 1024 * 1024) /* PID_MAX_LIMIT of 64-bit kernels, linux/threads.h */
#define MEMBERS_MAX 65536

/* One bit a pid; the list says which to clear again. */
static uint64_t marks[PID_LIMIT / 64];
static pid_t members[MEMBERS_MAX];
static size_t member_count;

static bool is_marked(pid_t pid)
{
    return (uint32_t)pid < PID_LIMIT && (marks[pid / 64] >> (pid % 64) & 1);
}

static void mark(pid_t pid)
{
    if ((uint32_t)pid >= PID_LIMIT || member_count == MEMBERS_MAX)
        return;
    marks[pid / 64] |= UINT64_C(1) << (pid % 64);
    members[member_count++] = pid;
}

static void clear_marks(void)
{
    while (member_count)
        marks[members[--member_count] / 64] = 0;
}

/*
 * Kernel: proc(5) stat is "pid (comm) state ppid …"; comm may hold anything, so the last ')' counts. Returns 0 when the
 * process is gone.
 */
static pid_t parent_of(const char *pid_name)
{
    char path[32];
    char stat[256];
    snprintf(path, sizeof path, "%.10s/stat", pid_name);
    int fd = openat(PROC_FD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (n <= 0)
        return 0;
    stat[n] = 0;
    const char *after_comm = strrchr(stat, ')');
    if (!after_comm || strlen(after_comm) < 5)
        return 0;
    return (pid_t)strtol(after_comm + 4, NULL, 10);
}

void kill_tree_below(pid_t root, bool (*spared)(pid_t))
{
    static _Alignas(struct dirent64) char entries[32768];
    /* A descriptor of our own: a shared one has a shared offset. */
    int folder = openat(PROC_FD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    ssize_t n;
    /*
     * Kernel: /proc lists pids in ascending order, and a child's is mostly above its parent's, so one look sees most
     * trees whole. A process with SIGKILL pending forks no more, so killing while looking outruns what grows meanwhile.
     */
    while ((n = getdents64(folder, entries, sizeof entries)) > 0) {
        for (ssize_t at = 0; at < n;) {
            struct dirent64 *entry = (struct dirent64 *)(entries + at);
            at += entry->d_reclen;
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (pid <= 1 || pid == root)
                continue;
            pid_t parent = parent_of(entry->d_name);
            bool below = parent == root ? !spared || !spared(pid) : parent > 0 && is_marked(parent);
            if (!below)
                continue;
            mark(pid);
            kill(pid, SIGKILL);
        }
    }
    close(folder);
    clear_marks();
}
