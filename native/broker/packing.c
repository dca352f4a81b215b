#include "packing.h"

#include "beneath.h"
#include "machine.h"
#include "order.h"
#include "rlimit-lower.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_MAX \
    (4ull << 30) /* addresses: 128 MiB of blocks (packer/mksquashfs.c), and the names of millions of files */
#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define IMAGE "image"

static int mount_at_name(int root, const char *name, int tree, struct outcome *out)
{
    int bad = tree < 0 || move_mount(tree, "", root, name, MOVE_MOUNT_F_EMPTY_PATH);
    if (bad)
        fail(out, STEP_VIEW, "%s", name);
    if (tree >= 0)
        close(tree);
    return bad ? -1 : 0;
}

/* Of what is to be packed, which is numbered: 0 the upper, then the layers, top first. */
static uint32_t first_source(const struct capture_request *request)
{
    return request->flags & FLAG_OF_LAYERS ? 1 : 0;
}

static int show_sources(const struct packing *packing, int run, int root, struct outcome *out)
{
    const struct capture_request *request = packing->request;
    struct tree_options options = { QUIET | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, packing->userns };
    char source[64] = UPPER_MOUNTS "/", name[16];
    hex(request->upper.bytes, 8, source + sizeof UPPER_MOUNTS);
    strcat(source, "/u");
    if (!first_source(request) &&
        (mkdirat(root, "0", 0755) || mount_at_name(root, "0", clone_tree(run, source, &options), out)))
        return fail(out, STEP_VIEW, "upper");
    for (uint32_t i = 0; i < request->layer_count; i++) {
        snprintf(name, sizeof name, "%u", i + 1);
        if (mkdirat(root, name, 0755))
            return fail(out, STEP_VIEW, "%s", name);
        int tree = clone_layer(run, &request->layers[i], packing->userns, out);
        if (tree < 0 || mount_at_name(root, name, tree, out))
            return -1;
    }
    return 0;
}

/* A folder of the host's, read-only; where it is a link into /usr, the same link. */
static int show_folder(int root, const char *path, struct outcome *out)
{
    struct tree_options options = { QUIET | MOUNT_ATTR_RDONLY, -1 };
    char target[64];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n > 0) {
        target[n] = 0;
        return symlinkat(target, root, path + 1) ? fail(out, STEP_VIEW, "%s", path) : 0;
    }
    if (access(path, F_OK))
        return 0;
    if (mkdirat(root, path + 1, 0755))
        return fail(out, STEP_VIEW, "%s", path);
    return mount_at_name(root, path + 1, clone_tree(AT_FDCWD, path, &options), out);
}

/* mksquashfs, its libraries, /dev/null, and the one file that it may write. */
static int show_tools(const struct packing *packing, int root, struct outcome *out)
{
    static const char *const folders[] = { "/usr", "/bin", "/lib", "/lib64", "/lib32" };
    struct tree_options image = { QUIET | MOUNT_ATTR_NOEXEC, -1 };
    struct tree_options null = { MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, -1 };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (show_folder(root, folders[i], out))
            return -1;
    if (mkdirat(root, "dev", 0755) || mknodat(root, "dev/null", S_IFREG | 0644, 0) ||
        mknodat(root, IMAGE, S_IFREG | 0644, 0))
        return fail(out, STEP_VIEW, "places");
    /* Kernel: what is cloned must be of the caller's own mount namespace; the broker's descriptor leads into the broker's. */
    int data = open(packing->broker->data_path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int bad = data < 0 || mount_at_name(root, IMAGE, clone_tree(data, packing->image, &image), out) ||
              mount_at_name(root, "dev/null", clone_tree(AT_FDCWD, "/dev/null", &null), out);
    if (data >= 0)
        close(data);
    return bad ? fail(out, STEP_VIEW, IMAGE) : 0;
}

/* A root file system of its own, on which everything but the image is read-only. */
static int view_enter(const struct packing *packing, struct outcome *out)
{
    static const char *const options[] = { "mode", "0755", "size", "1m", NULL };
    struct machine_start start = { .broker = packing->broker };
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return fail(out, STEP_VIEW, "private mounts");
    int run = open(packing->broker->run_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    start.root = new_filesystem("tmpfs", options, QUIET);
    if (run < 0 || start.root < 0 || move_mount(start.root, "", run, STAGE "/root", MOVE_MOUNT_F_EMPTY_PATH))
        return fail(out, STEP_VIEW, STAGE);
    if (show_sources(packing, run, start.root, out) || show_tools(packing, start.root, out))
        return -1;
    close(run);
    struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
    if (mount_setattr(start.root, "", AT_EMPTY_PATH, &read_only, sizeof read_only))
        return fail(out, STEP_VIEW, "read-only");
    return rootfs_enter(&start, out);
}

static int set_limits(uint64_t size_max, struct outcome *out)
{
    const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        { RLIMIT_FSIZE, size_max }, { RLIMIT_AS, MEMORY_MAX }, { RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 65536 }
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (rlimit_lower(limits[i].resource, limits[i].value))
            return fail(out, STEP_LIMITS, "rlimit %d", limits[i].resource);
    /* A broken image is an error to it, not a reason to die. */
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

/* 0…2 lead nowhere, 3 is where the report goes, the program is executed by its descriptor. */
static int arrange_descriptors(int report, int *program, struct outcome *out)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high = fcntl(report, F_DUPFD_CLOEXEC, 16), packer = fcntl(*program, F_DUPFD_CLOEXEC, 16);
    if (null < 0 || high < 0 || packer < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        dup2(high, REPORT_DESCRIPTOR) < 0 || dup3(packer, REPORT_DESCRIPTOR + 1, O_CLOEXEC) < 0 ||
        close_range(REPORT_DESCRIPTOR + 2, ~0u, 0))
        return fail(out, STEP_EXEC, "descriptors");
    *program = REPORT_DESCRIPTOR + 1;
    return 0;
}

/*
 * Kernel: a change of ids forgets the death signal, so it is asked for behind the last one. A worker that died before
 * that does not listen any more.
 */
static int end_with_worker(int channel, struct outcome *out)
{
    struct pollfd listener = { .fd = channel };
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return fail(out, STEP_EXEC, "death signal");
    if (poll(&listener, 1, 0))
        _exit(1);
    return 0;
}

/* Ends as the packer, or with a report of the broker's own. */
static _Noreturn void become(const struct packing *packing, int channel)
{
    static char names[LAYERS_MAX + 1][8];
    char *arguments[LAYERS_MAX + 4] = { "squash-packer", "/" IMAGE };
    static char *const environment[] = { NULL };
    struct outcome out = { 0 };
    int program = packing->broker->packer, userns = fcntl(packing->userns, F_DUPFD_CLOEXEC, 64);
    prctl(PR_SET_NAME, "squash-packer");
    umask(022);
    char **next = arguments + 2;
    for (uint32_t i = first_source(packing->request); i <= packing->request->layer_count; i++) {
        snprintf(names[i], sizeof names[i], "/%u", i);
        *next++ = names[i];
    }
    if (!view_enter(packing, &out) && !set_limits(packing->size_max, &out) && !privileges_drop_to_read(userns, &out) &&
        !end_with_worker(channel, &out) && !arrange_descriptors(channel, &program, &out)) {
        channel = REPORT_DESCRIPTOR;
        syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH);
        fail(&out, STEP_EXEC, "squash-packer");
    }
    struct pack_report report = { .error = (int32_t)out.wire.error };
    snprintf(report.text, sizeof report.text, "%s (%s)", step_text(out.wire.step), out.wire.text);
    _exit(write(channel, &report, sizeof report) != (ssize_t)sizeof report);
}

/* The text comes from hostile names: what is left of it is printable. */
static void take_text(const char *text, size_t size, char *printable)
{
    size_t i = 0;
    for (; i < size - 1 && text[i]; i++)
        printable[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    printable[i] = 0;
}

static int hear(int channel, struct pack_report *report)
{
    size_t filled = 0;
    for (ssize_t n; filled < sizeof *report;) {
        n = read(channel, (char *)report + filled, sizeof *report - filled);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        filled += (size_t)n;
    }
    return 0;
}

int packing_run(const struct packing *packing, struct pack_report *report, struct outcome *out)
{
    int ends[2];
    char text[96];
    if (pipe2(ends, O_CLOEXEC))
        return fail(out, STEP_PACK, "pipe");
    struct clone_args arguments = { .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                             CLONE_NEWCGROUP,
                                    .exit_signal = SIGCHLD };
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        close(ends[0]);
        become(packing, ends[1]);
    }
    close(ends[1]);
    int bad = child < 0 ? fail(out, STEP_PACK, "clone3") : 0;
    if (!bad && hear(ends[0], report))
        bad = fail_with(out, EIO, STEP_PACK, "the packer died");
    close(ends[0]);
    /* It is PID 1 of its namespace: when it is reaped, all that it started is gone. */
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (bad || !report->error)
        return bad;
    take_text(report->text, sizeof text, text);
    return fail_with(out, report->error, STEP_PACK, "%s", text);
}
