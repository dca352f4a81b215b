#include "order.h"

#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

#define FIXED_DESCRIPTORS 2 /* socket and upper */

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE((FIXED_DESCRIPTORS + LAYERS_MAX) * sizeof(int))];
};

/* Security: nodev and nosuid on each clone as on the overlay; none of them relies on another. */
#define CLONE_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

int clone_layer(int run, const digest_t *digest, int userns, struct outcome *out)
{
    char source[128], name[HEX32];
    struct tree_options options = { .attributes = CLONE_ATTRIBUTES | MOUNT_ATTR_RDONLY, .userns = userns };
    hex(digest->bytes, 32, name);
    snprintf(source, sizeof source, LAYER_MOUNTS "/%s", name);
    int tree = clone_tree(run, source, &options);
    return tree < 0 ? fail(out, STEP_LOWERDIR, "%.20s", name) : tree;
}

int order_take_trees(struct order *order, const struct broker *broker, int userns, struct outcome *out)
{
    char source[128], name[HEX8];
    struct tree_options options = { .attributes = CLONE_ATTRIBUTES, .userns = userns };
    hex(order->request.upper.bytes, 8, name);
    snprintf(source, sizeof source, UPPER_MOUNTS "/%s", name);
    order->upper = clone_tree(broker->run, source, &options);
    if (order->upper < 0)
        return fail(out, STEP_UPPERDIR, "%s", name);
    for (uint32_t i = 0; i < order->request.layer_count; i++)
        if ((order->layers[i] = clone_layer(broker->run, &order->request.layers[i], userns, out)) < 0)
            return -1;
    return 0;
}

static size_t descriptor_count(const struct start_request *request)
{
    return FIXED_DESCRIPTORS + request->layer_count;
}

int order_send(int channel, const struct order *order)
{
    union control control = { 0 };
    size_t length = descriptor_count(&order->request) * sizeof(int);
    struct iovec body = { (void *)&order->request, sizeof order->request };
    struct msghdr message = {
        .msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(length)
    };
    control.header =
        (struct cmsghdr){ .cmsg_len = CMSG_LEN(length), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &order->socket, length);
    return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)sizeof order->request ? 0 : -1;
}

int order_receive(int channel, struct order *order)
{
    union control control;
    struct iovec body = { &order->request, sizeof order->request };
    struct msghdr message = {
        .msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t n;
    while ((n = recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof order->request || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    size_t length = descriptor_count(&order->request) * sizeof(int);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(length))
        return -1;
    memcpy(&order->socket, CMSG_DATA(header), length);
    return 0;
}

_Static_assert(offsetof(struct order, upper) == offsetof(struct order, socket) + sizeof(int) &&
                   offsetof(struct order, layers) == offsetof(struct order, upper) + sizeof(int),
               "descriptors lie side by side");
