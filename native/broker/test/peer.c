#include "peer.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct heard_request heard;

void __wrap_request_handle(struct server *server, uint16_t op, uint32_t id, const void *body, size_t length);
void __wrap_request_handle(struct server *server, uint16_t op, uint32_t id, const void *body, size_t length)
{
    (void)server;
    heard.count++;
    heard.op = op;
    heard.id = id;
    heard.length = length;
    memcpy(heard.body, body, length);
}

struct peer peer_open(void)
{
    static struct server server;
    int ends[2];
    memset(&server, 0, sizeof server);
    memset(&heard, 0, sizeof heard);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.epoll < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        __builtin_trap();
    server.connection = ends[0];
    watch(&server, ends[0], WATCH_DAEMON, 0);
    return (struct peer){ &server, ends[1] };
}

void peer_close(struct peer *peer)
{
    connection_close(peer->server);
    close(peer->server->epoll);
    close(peer->end);
}

void peer_send(struct peer *peer, const void *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t n = send(peer->end, (const char *)bytes + at, length - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        connection_read(peer->server);
        if (n < 0 && peer->server->connection < 0)
            return;
        at += n > 0 ? (size_t)n : 0;
    }
}

size_t peer_receive(struct peer *peer, void *bytes, size_t size)
{
    ssize_t n = recv(peer->end, bytes, size, MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}
