/* Made-up sandboxes: PID 1 is process 100 of the host; supervisors are its children that run the agent's program. */
#include "broker/kill-choice.h"
#include "check.h"

#include <string.h>
#include <time.h>

#define INIT 100
#define GONE 77 /* a supervisor that nobody is */

static const struct process family[] = {
    { .pid = 100, .parent = 1, .inner = 1, .is_agent = 1 },
    /* Supervisor 2 with a command that has a child, and a grandchild that left its session. */
    { .pid = 110, .parent = 100, .inner = 2, .is_agent = 1 },
    { .pid = 111, .parent = 110, .inner = 3 },
    { .pid = 112, .parent = 111, .inner = 4 },
    { .pid = 113, .parent = 110, .inner = 5 },
    /* Supervisor 6 with a command that runs a copy of the agent, which is a child of its own and no supervisor. */
    { .pid = 120, .parent = 100, .inner = 6, .is_agent = 1 },
    { .pid = 121, .parent = 120, .inner = 7, .is_agent = 1 },
    { .pid = 122, .parent = 121, .inner = 8 },
    /* Orphans of a supervisor that was killed. */
    { .pid = 130, .parent = 100, .inner = 9 },
    { .pid = 131, .parent = 130, .inner = 10 },
};
#define COUNT ((int)(sizeof family / sizeof *family))

static struct process table[COUNT];

static int choose(uint32_t supervisor, int everything)
{
    struct kill_choice choice = { INIT, supervisor, everything };
    for (int i = 0; i < COUNT; i++)
        table[i] = family[COUNT - 1 - i];
    return kill_choose(table, COUNT, &choice);
}

/* Whether exactly these die; a list of pids that ends with 0. */
static int doomed_are(const pid_t *pids)
{
    int expected = 0, found = 0, right = 1;
    while (pids[expected])
        expected++;
    for (int i = 0; i < COUNT; i++) {
        int listed = 0;
        for (int k = 0; k < expected; k++)
            listed |= pids[k] == table[i].pid;
        found += table[i].doomed;
        right &= listed == table[i].doomed;
    }
    return right && found == expected;
}

static void test_family(void)
{
    CHECK(!choose(2, 0) && doomed_are((pid_t[]){ 110, 111, 112, 113, 0 }));
    CHECK(!choose(6, 0) && doomed_are((pid_t[]){ 120, 121, 122, 0 }));
    /* A claim that names no supervisor, be it gone, a command, PID 1 or a copy of the agent, spares what belongs to one. */
    CHECK(!choose(GONE, 0) && doomed_are((pid_t[]){ 130, 131, 0 }));
    CHECK(!choose(UINT32_MAX, 0) && doomed_are((pid_t[]){ 130, 131, 0 }));
    CHECK(!choose(3, 0) && doomed_are((pid_t[]){ 130, 131, 0 }));
    CHECK(!choose(1, 0) && doomed_are((pid_t[]){ 130, 131, 0 }));
    CHECK(!choose(7, 0) && doomed_are((pid_t[]){ 130, 131, 0 }));
    CHECK(choose(0, 0) && doomed_are((pid_t[]){ 110, 111, 112, 113, 120, 121, 122, 130, 131, 0 }));
    CHECK(choose(2, 1) && doomed_are((pid_t[]){ 110, 111, 112, 113, 120, 121, 122, 130, 131, 0 }));
}

static void test_stopped_supervisor(void)
{
    struct kill_choice choice = { INIT, GONE, 0 };
    memcpy(table, family, sizeof family);
    table[5].is_stopped = 1;
    CHECK(!kill_choose(table, COUNT, &choice));
    CHECK(doomed_are((pid_t[]){ 120, 121, 122, 130, 131, 0 }));
}

static void test_odd_tables(void)
{
    struct kill_choice choice = { INIT, 2, 0 };
    CHECK(!kill_choose(table, 0, &choice));
    /* A loop of parents, as a table may show that was read while processes came and went. */
    struct process loop[] = { { .pid = 200, .parent = 201 },
                              { .pid = 201, .parent = 200 },
                              { .pid = 202, .parent = 202 },
                              { .pid = 110, .parent = 100, .inner = 2, .is_agent = 1 } };
    CHECK(!kill_choose(loop, 4, &choice));
    CHECK(loop[0].pid == 110 && loop[0].doomed && !loop[1].doomed && !loop[2].doomed && !loop[3].doomed);
}

/* As deep as the broker's table is long, each child before its parent: it must not take a step for every pair. */
static void test_deep_tree(void)
{
    static struct process deep[8192];
    struct kill_choice choice = { INIT, 2, 0 };
    struct timespec start, end;
    int doomed = 0;
    for (int i = 0; i < 8192; i++)
        deep[i] = (struct process){ .pid = 10000 + i, .parent = 10001 + i };
    deep[8191] = (struct process){ .pid = 18191, .parent = INIT, .inner = 2, .is_agent = 1 };
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    kill_choose(deep, 8192, &choice);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    for (int i = 0; i < 8192; i++)
        doomed += deep[i].doomed;
    CHECK(doomed == 8192);
    /* 8192² steps take minutes under the sanitizers; what is meant takes milliseconds. */
    CHECK(end.tv_sec - start.tv_sec < 5);
}

void test_kill_choice(void)
{
    test_family();
    test_stopped_supervisor();
    test_odd_tables();
    test_deep_tree();
}
