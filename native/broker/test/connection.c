/* Frames as they come out of a socket: in pieces, in heaps, and wrong. */
#include "check.h"
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const struct wire_header probe = { .length = 16, .version = WIRE_VERSION, .op = OP_PROBE, .id = 9 };

struct __attribute__((packed)) answer {
    struct wire_header header;
    struct wire_outcome outcome;
};

static void comes_in_pieces(void)
{
    struct peer peer = peer_open();
    for (size_t i = 0; i < sizeof probe; i++) {
        CHECK(heard.count == 0);
        peer_send(&peer, (const char *)&probe + i, 1);
    }
    CHECK(heard.count == 1 && heard.op == OP_PROBE && heard.id == 9);
    peer_close(&peer);
}

static void comes_in_heaps(void)
{
    struct peer peer = peer_open();
    struct wire_header many[2000];
    for (size_t i = 0; i < 2000; i++)
        many[i] = probe;
    peer_send(&peer, many, sizeof many);
    CHECK(heard.count == 2000);
    CHECK(peer.server->input_length == 0);
    peer_close(&peer);
}

/* A request that is wrong in itself is answered and handled no further; the connection goes on. */
static void is_refused(struct wire_header header, uint32_t error)
{
    struct peer peer = peer_open();
    static unsigned char frame[WIRE_REQUEST_MAX];
    struct answer answer = { 0 };
    memset(frame, 0, sizeof frame);
    memcpy(frame, &header, sizeof header);
    peer_send(&peer, frame, header.length);
    CHECK(heard.count == 0);
    CHECK(peer_receive(&peer, &answer, sizeof answer) == sizeof answer);
    CHECK(answer.header.id == header.id && answer.header.op & WIRE_REPLY_BIT);
    CHECK(answer.outcome.error == error && answer.outcome.step == STEP_REQUEST);
    peer_send(&peer, &probe, sizeof probe);
    CHECK(heard.count == 1);
    peer_close(&peer);
}

/* A header that cannot be right ends the connection, because nobody knows where the next frame starts. */
static void ends_the_connection(struct wire_header header)
{
    struct peer peer = peer_open();
    peer_send(&peer, &header, sizeof header);
    CHECK(peer.server->connection < 0);
    CHECK(heard.count == 0);
    peer_close(&peer);
}

static void does_not_read_its_answers(void)
{
    struct peer peer = peer_open();
    struct wire_header wrong = probe;
    wrong.version = 2;
    for (unsigned i = 0; i < 20000 && peer.server->connection >= 0; i++)
        peer_send(&peer, &wrong, sizeof wrong);
    CHECK(peer.server->connection < 0);
    CHECK(peer.server->output_length <= OUTPUT_MAX);
    peer_close(&peer);
}

void test_connection(void)
{
    struct wire_header other;
    comes_in_pieces();
    comes_in_heaps();
    other = probe, other.version = 2;
    is_refused(other, EPROTONOSUPPORT);
    other = probe, other.reserved = 1;
    is_refused(other, EINVAL);
    other = probe, other.length = 17;
    is_refused(other, EINVAL);
    other = probe, other.length = WIRE_REQUEST_MAX;
    is_refused(other, EINVAL);
    other = probe, other.op = OP_COUNT;
    is_refused(other, EINVAL);
    other = probe, other.op = 0x4001;
    is_refused(other, EINVAL);
    other = probe, other.id = 0;
    is_refused(other, EINVAL);
    other = probe, other.length = 15;
    ends_the_connection(other);
    other = probe, other.length = 0;
    ends_the_connection(other);
    other = probe, other.length = WIRE_REQUEST_MAX + 1;
    ends_the_connection(other);
    other = probe, other.length = UINT32_MAX;
    ends_the_connection(other);
    other = probe, other.op = OP_PROBE | WIRE_REPLY_BIT;
    ends_the_connection(other);
    does_not_read_its_answers();
}
