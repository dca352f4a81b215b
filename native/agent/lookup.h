/* From a program's name to a running program. */
#pragma once

/* Executes argv[0], looked up in the PATH of `env` as a shell does. Returns only on failure, with errno. */
void execute(char **argv, char **env);
