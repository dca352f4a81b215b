#include "beneath.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where things stand until there is a root file system to move them to. */
static const char *const places[] = { STAGED_UPPER, STAGED_ROOT, "proc", "dev", "sys" };

static int make_places(int stage)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (mkdirat(stage, places[i], 0755))
            return -1;
    return 0;
}

int stage_make(struct machine_start *start, struct outcome *out)
{
    static const char *const options[] = { "mode", "0755", "size", "1m", NULL };
    uid_t first = slot_uid(start->broker, start->slot);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return fail(out, STEP_NAMESPACES, "private mounts");
    /* Kernel: what is cloned must be of the caller's own mount namespace; the broker's descriptor leads into the broker's. */
    start->run = open(start->broker->run_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    start->root = new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (start->run < 0 || start->root < 0 || make_places(start->root) ||
        move_mount(start->root, "", start->run, STAGE "/root", MOVE_MOUNT_F_EMPTY_PATH))
        return fail(out, STEP_NAMESPACES, STAGE);
    /*
     * What follows is done as the sandbox's root, so that overlayfs, the mount points that it must make and /dev belong
     * to it. The capabilities stay: NO_SETUID_FIXUP keeps a change of fsuid from dropping them.
     */
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP))
        return fail(out, STEP_OVERLAY, "securebits");
    setfsgid(first);
    setfsuid(first);
    return 0;
}

int stage_enter(struct machine_start *start, struct outcome *out)
{
    if (stage_make(start, out) || inside_mount(start, out))
        return -1;
    close(start->run);
    /*
     * The copies of the host's mounts end here, those of layers and uppers too: a process that waits must not keep
     * another sandbox's upper from being unmounted.
     */
    return rootfs_enter(start, out);
}
