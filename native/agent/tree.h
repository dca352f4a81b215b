/* Killing process trees by what /proc shows. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/*
 * Sends SIGKILL to every process below `root` that one look at /proc finds, except the children of `root` that `spared`
 * names (NULL: none).
 * What is forked during the look may be missed: call it until waitpid() says ECHILD.
 */
void kill_tree_below(pid_t root, bool (*spared)(pid_t));
