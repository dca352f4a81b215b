/* The little that the tests of the broker need: a count of what was checked, and a line for what was not as it should be. */
#pragma once
#include <stdio.h>

extern unsigned checks, failures;

#define CHECK(condition)                                                            \
    do {                                                                            \
        checks++;                                                                   \
        if (!(condition)) {                                                         \
            failures++;                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                           \
    } while (0)

void test_vectors(const char *path);
void test_wire(void);
void test_connection(void);
void test_names(void);
void test_sha256(void);
void test_beneath(void);
void test_subordinate_ids(void);
void test_kill_choice(void);
void test_list(void);
