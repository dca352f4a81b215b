/*
 * libFuzzer target: each input is what a daemon says in one life. The real broker reads it and works on a real state root
 * (broker-world.h); broker-fakes.c says what is played. SQUASH_FUZZ_FRAMES ends the run after so many frames.
 */
#include "fuzz/broker-mutator.h"
#include "fuzz/broker-world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STARTERS 3

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server server;
static int starters[STARTERS];
static int daemon_end;
static unsigned long frames, sessions, frames_wanted;
static unsigned asked, answered;

static void must_hold(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "broker-fuzz: not so: %s\n", what);
    abort();
}

static void check_reply(const struct wire_header *header, const struct wire_outcome *outcome)
{
    must_hold(header->version == WIRE_VERSION && !header->reserved, "a reply of this version");
    must_hold(header->op & WIRE_REPLY_BIT, "a reply's bit");
    must_hold(!outcome->text[sizeof outcome->text - 1], "a text that ends");
    must_hold(!outcome->error == !outcome->step, "an error names its step, and nothing else does");
    must_hold(!outcome->error || header->length == sizeof *header + sizeof *outcome, "no payload with an error");
    if (header->op == WIRE_EVENT_EXITED)
        return;
    answered++;
    must_hold(answered <= asked, "an answer for every question");
}

static void read_replies(void)
{
    static unsigned char bytes[OUTPUT_MAX + WIRE_REPLY_MAX];
    size_t length = 0, at = 0;
    for (ssize_t n; (n = recv(daemon_end, bytes + length, sizeof bytes - length, MSG_DONTWAIT)) > 0;) {
        length += (size_t)n;
        if (server.connection >= 0)
            connection_write(&server);
    }
    while (at < length) {
        struct wire_header header;
        struct wire_outcome outcome;
        must_hold(length - at >= sizeof header + sizeof outcome, "a whole reply");
        memcpy(&header, bytes + at, sizeof header);
        memcpy(&outcome, bytes + at + sizeof header, sizeof outcome);
        must_hold(header.length >= sizeof header + sizeof outcome && header.length <= WIRE_REPLY_MAX &&
                      header.length <= length - at,
                  "a reply's length");
        check_reply(&header, &outcome);
        at += header.length;
    }
}

/* A starter that was asked to start: it starts, fails, says nonsense or dies, as the label has it. */
static void play_starter(unsigned i)
{
    struct start_request request;
    struct starter_report report = { 0 };
    ssize_t n = starters[i] < 0 ? -1 : recv(starters[i], &request, sizeof request, MSG_DONTWAIT);
    if (n < 0)
        return;
    must_hold(n == 0 || n == (ssize_t)sizeof request, "a whole request for the starter");
    must_hold(n == 0 ||
                  (name_is_padded(request.hostname, sizeof request.hostname) && hostname_is_valid(request.hostname)),
              "a host name that was checked");
    must_hold(n == 0 || (request.layer_count >= 1 && request.layer_count <= LAYERS_MAX), "layers that were counted");
    switch (n ? request.label.bytes[0] % 4 : 3) {
    case 2:
        report.outcome = (struct wire_outcome){ ENOENT, STEP_LOWERDIR, "layer 0" };
        /* fall through */
    case 0:
    case 1:
        report.pid = (pid_t)getpid();
        send(starters[i], &report, sizeof report, MSG_NOSIGNAL);
        return;
    default:
        close(starters[i]);
        starters[i] = -1;
    }
}

static void turn(void)
{
    struct epoll_event events[32];
    for (unsigned i = 0; i < STARTERS; i++)
        play_starter(i);
    int count = epoll_wait(server.epoll, events, 32, 0);
    for (int i = 0; i < count; i++) {
        unsigned index = (unsigned)events[i].data.u64;
        if (events[i].data.u64 >> 32 == WATCH_DAEMON && server.connection >= 0)
            connection_event(&server, events[i].events);
        else if (events[i].data.u64 >> 32 == WATCH_STARTER)
            machine_starter_spoke(&server, index);
    }
    /* Those who were told to end do. */
    for (unsigned i = 0; i < STARTERS; i++)
        if (server.machines[i].state == MACHINE_ENDING)
            machine_ended(&server, i);
    read_replies();
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static void end_session(void)
{
    connection_close(&server);
    close(daemon_end);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct machine *machine = &server.machines[i];
        free(machine->request);
        if (machine->channel >= 0)
            unwatch(&server, machine->channel);
        if (machine->pidfd >= 0)
            unwatch(&server, machine->pidfd);
        if (i < STARTERS && starters[i] >= 0)
            close(starters[i]);
    }
    close(server.epoll);
    world_reset(&server);
    world_check_canary();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *wanted = getenv("SQUASH_FUZZ_FRAMES");
    (void)argc, (void)argv;
    frames_wanted = wanted ? strtoul(wanted, NULL, 10) : 0;
    signal(SIGPIPE, SIG_IGN);
    umask(0);
    world_make();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    unsigned descriptors = count_descriptors();
    world_start_broker(&server, starters, STARTERS);
    must_hold(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "a connection");
    server.connection = ends[0];
    daemon_end = ends[1];
    watch(&server, ends[0], WATCH_DAEMON, 0);
    asked = answered = 0;
    for (size_t at = 0; at < size && server.connection >= 0;) {
        size_t length = frame_length(data + at, size - at);
        if (send(daemon_end, data + at, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
            break;
        /* The rest that is no frame may be taken for several by the broker. */
        asked += length == size - at ? (unsigned)(length / sizeof(struct wire_header)) + 1 : 1;
        frames++;
        turn();
        at += length;
    }
    for (int i = 0; i < 3; i++)
        turn();
    end_session();
    must_hold(count_descriptors() == descriptors, "no descriptor is left open");
    sessions++;
    if (frames_wanted && frames >= frames_wanted) {
        fprintf(stderr, "broker-fuzz: %lu frames in %lu sessions\n", frames, sessions);
        frames_wanted = 0;
        raise(SIGUSR1); /* libFuzzer: ends well after this input, with its statistics */
    }
    return 0;
}
