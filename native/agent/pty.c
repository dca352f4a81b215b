#include "agent/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int resize_pty(int master, uint16_t rows, uint16_t columns)
{
    struct winsize size = { .ws_row = rows, .ws_col = columns };
    return ioctl(master, TIOCSWINSZ, &size);
}

int open_pty(const struct exec_request *request, int *master, int *terminal)
{
    int unlocked = 0;
    *terminal = -1;
    /* O_NONBLOCK, also because a FIFO of this name must not stop us. */
    *master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*master < 0)
        return -1;
    /* Kernel: TIOCGPTPEER opens the other end by the master alone (ioctl_tty(2), Linux 4.13). */
    if (ioctl(*master, TIOCSPTLCK, &unlocked) ||
        (*terminal = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
        (request->rows && resize_pty(*master, request->rows, request->columns)) ||
        (request->uid && fchown(*terminal, request->uid, (gid_t)-1))) {
        int error = errno;
        if (*terminal >= 0)
            close(*terminal);
        close(*master);
        *master = *terminal = -1;
        errno = error;
        return -1;
    }
    return 0;
}
