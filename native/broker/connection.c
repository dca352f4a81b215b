#include "server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void update_watch(struct server *server)
{
    uint32_t events = (server->input_paused ? 0 : EPOLLIN) | (server->output_length ? EPOLLOUT : 0);
    struct epoll_event event = { .events = events, .data.u64 = (uint64_t)WATCH_DAEMON << 32 };
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->connection, &event);
}

void connection_close(struct server *server)
{
    if (server->connection < 0)
        return;
    unwatch(server, server->connection);
    server->connection = -1;
    server->generation++;
    machines_forget_requests(server);
    /* Nobody will hear of what they store, and a sandbox would stand still for it. */
    workers_end_captures(server, NULL);
    server->input_length = server->output_start = server->output_length = 0;
    server->input_paused = 0;
}

/* A daemon that breaks the protocol is broken or taken over: it is ended, and a new one starts from the records. */
static void end_daemon(struct server *server, const char *why)
{
    say("squashd is ended: %s", why);
    if (server->daemon)
        kill(server->daemon, SIGKILL);
    connection_close(server);
}

/* A daemon without its connection is of no use, and none can be started beside it: it gets time to end. */
static void hung_up(struct server *server)
{
    connection_close(server);
    if (server->daemon && !server->kill_at_ms)
        server->kill_at_ms = now_ms() + STOP_MS;
}

void connection_write(struct server *server)
{
    while (server->connection >= 0 && server->output_length) {
        ssize_t n = send(server->connection, server->output + server->output_start, server->output_length,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return hung_up(server);
        if (n < 0)
            break;
        server->output_start += (size_t)n;
        server->output_length -= (size_t)n;
    }
    if (!server->output_length)
        server->output_start = 0;
    if (server->connection >= 0)
        update_watch(server);
}

static void queue(struct server *server, const void *data, size_t length)
{
    if (server->connection < 0)
        return;
    if (server->output_start + server->output_length + length > OUTPUT_MAX) {
        memmove(server->output, server->output + server->output_start, server->output_length);
        server->output_start = 0;
    }
    if (server->output_length + length > OUTPUT_MAX)
        return end_daemon(server, "it does not read its answers");
    memcpy(server->output + server->output_start + server->output_length, data, length);
    server->output_length += length;
}

void reply(struct server *server, uint16_t op, uint32_t id, const struct wire_outcome *outcome, const void *payload,
           size_t length)
{
    size_t payload_length = outcome->error ? 0 : length;
    struct wire_header header = {
        .length = (uint32_t)(sizeof header + sizeof *outcome + payload_length),
        .version = WIRE_VERSION,
        .op = op & 0x4000 ? op : (uint16_t)(op | WIRE_REPLY_BIT),
        .id = id,
    };
    queue(server, &header, sizeof header);
    queue(server, outcome, sizeof *outcome);
    if (payload_length)
        queue(server, payload, payload_length);
    connection_write(server);
}

void event_exited(struct server *server, const struct machine *machine)
{
    struct __attribute__((packed)) {
        key_t8 label;
        uint32_t pid, reserved;
    } body = { machine->label, (uint32_t)machine->pid, 0 };
    reply(server, WIRE_EVENT_EXITED, 0, &(struct wire_outcome){ 0 }, &body, sizeof body);
}

/* Handles one whole frame at the start of the input; returns its length, 0 when it is not whole, -1 when it cannot be right. */
static ssize_t handle_frame(struct server *server)
{
    struct wire_header header;
    if (server->input_length < sizeof header)
        return 0;
    memcpy(&header, server->input, sizeof header);
    if (header.length < sizeof header || header.length > WIRE_REQUEST_MAX || header.op & WIRE_REPLY_BIT)
        return -1;
    if (server->input_length < header.length)
        return 0;
    struct outcome out = { 0 };
    size_t body = header.length - sizeof header;
    if (header.version != WIRE_VERSION)
        fail_with(&out, EPROTONOSUPPORT, STEP_REQUEST, "version %u", header.version);
    else if (header.reserved || !header.id || !wire_length_fits(header.op, body))
        fail_with(&out, EINVAL, STEP_REQUEST, "operation %u of %zu bytes", header.op, body);
    if (out.wire.error)
        reply(server, header.op & 0x3fff, header.id, &out.wire, NULL, 0);
    else
        request_handle(server, header.op, header.id, server->input + sizeof header, body);
    return (ssize_t)header.length;
}

void connection_read(struct server *server)
{
    int closed = 0;
    while (server->connection >= 0 && !server->input_paused) {
        ssize_t used = handle_frame(server);
        if (used < 0)
            return end_daemon(server, "a frame cannot be right");
        if (used > 0 && server->connection >= 0) {
            server->input_length -= (size_t)used;
            memmove(server->input, server->input + used, server->input_length);
            /* What is waiting here stays in the socket until a worker is free: backpressure is the socket's. */
            server->input_paused = workers_busy(server);
            continue;
        }
        if (closed || server->connection < 0)
            break;
        ssize_t n = recv(server->connection, server->input + server->input_length,
                         sizeof server->input - server->input_length, MSG_DONTWAIT);
        if (n > 0)
            server->input_length += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        else
            closed = 1;
    }
    if (closed)
        hung_up(server);
    else if (server->connection >= 0)
        update_watch(server);
}

void connection_event(struct server *server, uint32_t events)
{
    /* Kernel: EPOLLHUP comes whether or not it is waited for: over input that is paused it would come for ever. */
    if (server->input_paused && events & (EPOLLHUP | EPOLLERR))
        return hung_up(server);
    connection_read(server);
    connection_write(server);
}
