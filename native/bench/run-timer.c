/*
 * The stopwatch of script/bench: starts a program for each byte on its stdin, and answers with a line
 * `nanoseconds to its first output, or to its end if there was none · nanoseconds to its end · wait status`.
 * A process of its own, as a fork of Node takes longer than much of what is measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Reads the program's output to its end; returns when the first of it came, or 0. */
static uint64_t drain(int fd)
{
    char buffer[4096];
    uint64_t first = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return first;
        if (!first)
            first = now_ns();
    }
}

/* An end of input that is nobody else's: crun gives the file that is its stdin to the container's root, /dev/null of the host too. */
static int open_empty(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    close(ends[1]);
    return ends[0];
}

static int run(char **argv, int empty)
{
    int output[2], status;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(output, O_CLOEXEC) || posix_spawn_file_actions_init(&actions) ||
        posix_spawn_file_actions_adddup2(&actions, empty, STDIN_FILENO) ||
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO))
        return -1;
    uint64_t begin = now_ns();
    errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno)
        return -1;
    close(output[1]);
    uint64_t first = drain(output[0]);
    if (waitpid(pid, &status, 0) < 0)
        return -1;
    uint64_t end = now_ns();
    close(output[0]);
    posix_spawn_file_actions_destroy(&actions);
    return printf("%llu %llu %d\n", (unsigned long long)((first ? first : end) - begin),
                  (unsigned long long)(end - begin), status) < 0 ||
           fflush(stdout);
}

int main(int argc, char **argv)
{
    char order;
    int empty = open_empty();
    if (argc < 2 || empty < 0)
        return 2;
    while (read(STDIN_FILENO, &order, 1) == 1) {
        if (run(argv + 1, empty)) {
            perror(argv[1]);
            return 1;
        }
    }
    return 0;
}
