#include "beneath.h"
#include "machine.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int network_prepare(struct outcome *out)
{
    struct ifreq loopback = { .ifr_flags = IFF_UP };
    strcpy(loopback.ifr_name, "lo");
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0 || ioctl(control, SIOCSIFFLAGS, &loopback))
        return fail(out, STEP_NETWORK, "lo up");
    close(control);
    /* Root inside has no CAP_NET_RAW and may not turn these itself: servers on low ports and ping still work. */
    if (write_knob(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0") ||
        write_knob(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 2147483647"))
        return fail(out, STEP_NETWORK, "net.ipv4");
    return 0;
}
