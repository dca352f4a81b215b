/* The supervisors that live, as PID 1 knows them. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#define SUPERVISORS_MAX 512

bool supervisors_full(void);
void add_supervisor(pid_t pid);
bool is_supervisor(pid_t pid);
/* Returns whether it was one. */
bool remove_supervisor(pid_t pid);
