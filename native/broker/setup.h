/* From the command line to a broker that may work: state root, users, agent, cgroups. */
#pragma once
#include "broker.h"

struct arguments {
    const char *data;
    const char *user, *group;
    const char *agent;
    const char *pool;   /* NULL: none */
    const char *packer; /* NULL: the one beside the agent */
    uint32_t uid_base;
    unsigned ready;
    int replace;
    const char *digest;
    char *const *command;
    char *const *words; /* what is no option */
    int word_count;
};

/* Returns 0, or -1 after it has told what is wrong. */
int arguments_parse(int argc, char **argv, struct arguments *arguments);

/* Opens the state root and makes its folders with their owners. */
int state_root_open(struct broker *broker, const struct arguments *arguments, struct outcome *out);

/* Held as long as the process lives: one broker per state root. */
int state_root_lock(const struct broker *broker, struct outcome *out);

/* The agent and the packer, which the broker starts. */
int programs_open(struct broker *broker, const struct arguments *arguments, struct outcome *out);
