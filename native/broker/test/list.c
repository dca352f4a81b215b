/* LIST over several answers: a host with more uppers than one answer holds. */
#include "check.h"
#include "peer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTED 1500 /* more than the 1,024 entries of one answer, each with its image */
#define STORED 100   /* images of uppers that are not mounted */
#define NO_UPPER "uppers/lost+found"

struct __attribute__((packed)) answer {
    struct wire_header header;
    struct wire_outcome outcome;
    uint32_t total, count;
    struct __attribute__((packed)) {
        key_t8 upper;
        uint32_t attached, reserved;
    } entries[1024];
};

static key_t8 upper_of(unsigned number)
{
    key_t8 upper = { { 0 } };
    memcpy(upper.bytes, &number, sizeof number);
    return upper;
}

static void name_of(unsigned number, const char *folder, const char *suffix, char name[64])
{
    char key[HEX8];
    hex(upper_of(number).bytes, 8, key);
    snprintf(name, 64, "%s/%s%s", folder, key, suffix);
}

static void make_places(int root)
{
    char name[64];
    unsigned images = 0, mounts = 0;
    CHECK(!mkdirat(root, "uppers", 0700) && !mkdirat(root, MOUNTS, 0700) && !mkdirat(root, UPPER_MOUNTS, 0700));
    CHECK(!mkdirat(root, NO_UPPER, 0700));
    for (unsigned i = 0; i < MOUNTED + STORED; i++) {
        name_of(i, "uppers", ".img", name);
        images += !mknodat(root, name, S_IFREG | 0600, 0);
        name_of(i, UPPER_MOUNTS, "", name);
        mounts += i < MOUNTED && !mkdirat(root, name, 0700);
    }
    CHECK(images == MOUNTED + STORED && mounts == MOUNTED);
}

static void remove_places(int root)
{
    char name[64];
    for (unsigned i = 0; i < MOUNTED + STORED; i++) {
        name_of(i, "uppers", ".img", name);
        unlinkat(root, name, 0);
        name_of(i, UPPER_MOUNTS, "", name);
        unlinkat(root, name, AT_REMOVEDIR);
    }
    CHECK(!unlinkat(root, NO_UPPER, AT_REMOVEDIR) && !unlinkat(root, "uppers", AT_REMOVEDIR) &&
          !unlinkat(root, UPPER_MOUNTS, AT_REMOVEDIR) && !unlinkat(root, MOUNTS, AT_REMOVEDIR));
}

/* Asks as a daemon does, until it has as many entries as there are said to be, and counts how often each came. */
static unsigned collect(struct peer *peer, unsigned char seen[MOUNTED + STORED])
{
    static struct answer answer;
    struct list_request request = { .kind = LIST_UPPERS };
    do {
        list_handle(peer->server, 1, &request);
        size_t length = peer_receive(peer, &answer, sizeof answer);
        CHECK(length == offsetof(struct answer, entries) + answer.count * sizeof *answer.entries);
        CHECK(!answer.outcome.error && answer.total == MOUNTED + STORED);
        for (uint32_t i = 0; i < answer.count; i++) {
            unsigned number;
            memcpy(&number, answer.entries[i].upper.bytes, sizeof number);
            if (number < MOUNTED + STORED && answer.entries[i].attached == (number < MOUNTED))
                seen[number]++;
        }
        request.after += answer.count;
    } while (answer.count && request.after < answer.total);
    return request.after;
}

void test_list(void)
{
    char path[] = "/tmp/squash-list-XXXXXX";
    unsigned char seen[MOUNTED + STORED] = { 0 };
    unsigned once = 0;
    struct peer peer = peer_open();
    CHECK(mkdtemp(path));
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_places(root);
    peer.server->broker.run = peer.server->broker.data = root;
    peer.server->broker.pool = -1;
    CHECK(collect(&peer, seen) == MOUNTED + STORED);
    for (unsigned i = 0; i < MOUNTED + STORED; i++)
        once += seen[i] == 1;
    CHECK(once == MOUNTED + STORED);
    remove_places(root);
    peer_close(&peer);
    close(root);
    CHECK(!rmdir(path));
}
