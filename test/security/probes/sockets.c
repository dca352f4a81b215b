#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_tcp(const char *host, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
}

int try_connect(char **words)
{
    if (!strcmp(words[0], "tcp"))
        return connect_tcp(words[1], atoi(words[2]));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int is_abstract = !strcmp(words[0], "abstract");
    int length = snprintf(address.sun_path + is_abstract, sizeof address.sun_path - 1, "%s", words[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t size = offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1;
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, (socklen_t)size);
}

struct message {
    struct nlmsghdr header;
    struct nfgenmsg family;
};

/* One transaction of nf_tables: begin, a table named `t`, end. */
struct transaction {
    struct message begin;
    struct message table;
    struct nlattr name;
    char text[4];
    struct message end;
};

static struct message message(uint16_t type, uint32_t length, uint32_t sequence)
{
    return (struct message){
        .header = { .nlmsg_len = length,
                    .nlmsg_type = type,
                    .nlmsg_seq = sequence,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
        .family = { .nfgen_family = AF_INET,
                    .version = NFNETLINK_V0,
                    .res_id = type < NLMSG_MIN_TYPE + 2 ? htons(NFNL_SUBSYS_NFTABLES) : 0 },
    };
}

int try_nft_table(char **words)
{
    (void)words;
    struct transaction all = {
        .begin = message(NFNL_MSG_BATCH_BEGIN, sizeof(struct message), 0),
        .table = message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
                         sizeof(struct message) + sizeof(struct nlattr) + 4, 1),
        .name = { .nla_len = sizeof(struct nlattr) + 2, .nla_type = NFTA_TABLE_NAME },
        .text = "t",
        .end = message(NFNL_MSG_BATCH_END, sizeof(struct message), 2),
    };
    all.begin.header.nlmsg_flags = all.end.header.nlmsg_flags = NLM_F_REQUEST;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0 || send(fd, &all, sizeof all, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0)
        return -1;
    if (answer.header.nlmsg_type != NLMSG_ERROR)
        return 1;
    errno = -answer.error.error;
    return errno ? -1 : 0;
}
