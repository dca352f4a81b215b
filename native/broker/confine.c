#include "confine.h"

#define BROKER_FILTER
#include "seccomp-filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int confine_broker(struct outcome *out)
{
    struct sock_fprog program = { .len = sizeof broker_filter / sizeof *broker_filter,
                                  .filter = (struct sock_filter *)broker_filter };
    /* Without no_new_privs, which would reach into the sandboxes and end set-uid there: CAP_SYS_ADMIN allows it. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        return fail(out, STEP_SECCOMP, "the broker's own filter");
    return 0;
}
