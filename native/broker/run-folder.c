#include "run-folder.h"

#include "beneath.h"
#include "image.h"
#include "pool.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int instance_name(struct broker *broker, struct outcome *out)
{
    struct sha256 context;
    uint8_t digest[32];
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", broker->data);
    ssize_t n = readlink(link, broker->data_path, sizeof broker->data_path - 1);
    if (n < 0)
        return fail(out, STEP_REQUEST, "state root");
    broker->data_path[n] = 0;
    sha256_init(&context);
    sha256_update(&context, broker->data_path, (size_t)n);
    sha256_final(&context, digest);
    hex(digest, 4, broker->instance);
    snprintf(broker->run_path, sizeof broker->run_path, "/run/squash/%s", broker->instance);
    return 0;
}

/* /run need not be a tmpfs: a folder of an earlier boot tells of machines that are long gone. */
static int forget_earlier_boot(struct broker *broker, struct outcome *out)
{
    char now[64] = "", then[64] = "";
    read_knob(AT_FDCWD, "/proc/sys/kernel/random/boot_id", now, sizeof now);
    int known = read_knob(broker->run, "boot", then, sizeof then) > 0;
    if (known && strcmp(now, then)) {
        int machines = open_beneath(broker->run, "machines", O_RDONLY | O_DIRECTORY, 0);
        DIR *entries = machines < 0 ? NULL : fdopendir(machines);
        for (struct dirent *entry; entries && (entry = readdir(entries));) {
            char path[300];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/sock", entry->d_name);
            unlinkat(machines, path, 0);
            snprintf(path, sizeof path, "%s/slot", entry->d_name);
            unlinkat(machines, path, 0);
            unlinkat(machines, entry->d_name, AT_REMOVEDIR);
        }
        if (entries)
            closedir(entries);
        unlinkat(broker->run, "pin/mnt", 0);
    }
    if ((!known || strcmp(now, then)) && write_file_durably(broker->run, "boot", now, strlen(now), 0444, 0))
        return fail(out, STEP_REQUEST, "%s/boot", broker->run_path);
    return 0;
}

/* A mount namespace of our own, bound onto the file by a child that stays outside. Returns 0 or an errno. */
static int leave_and_bind(const char *file)
{
    char source[64];
    int go[2], status = 0;
    snprintf(source, sizeof source, "/proc/%d/ns/mnt", (int)getpid());
    if (pipe2(go, O_CLOEXEC))
        return errno;
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(go[1]);
        if (read(go[0], &c, 1) != 1)
            _exit(ECHILD);
        int fd = open(file, O_CREAT | O_CLOEXEC, 0400);
        _exit(fd < 0 || mount(source, file, NULL, MS_BIND, NULL) ? errno : 0);
    }
    int error = child < 0 ? errno : 0;
    close(go[0]);
    if (!error && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) || write(go[1], "", 1) != 1))
        error = errno;
    close(go[1]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return error ? error : WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

/*
 * Kernel: a mount namespace's file can be bound neither from inside itself nor onto a shared mount (EINVAL). So a child
 * that stays outside binds it, onto a folder that was bound to itself and made private.
 * Against loops, it can be bound only in a namespace of a smaller number, and each CPU gives numbers from a range of its own.
 * When we were started in a namespace of a larger one, a CPU with a larger range is looked for: there is the one that made it.
 */
static int pin_namespace(const struct broker *broker, struct outcome *out)
{
    char pin[96], file[112];
    cpu_set_t allowed, one;
    snprintf(pin, sizeof pin, "%s/pin", broker->run_path);
    snprintf(file, sizeof file, "%s/mnt", pin);
    if ((!is_mounted(broker->run, "pin") && mount(pin, pin, NULL, MS_BIND, NULL)) ||
        mount(NULL, pin, NULL, MS_PRIVATE, NULL) || sched_getaffinity(0, sizeof allowed, &allowed))
        return fail(out, STEP_NAMESPACES, "%s", pin);
    int error = leave_and_bind(file);
    for (int cpu = 0; cpu < CPU_SETSIZE && error == EINVAL; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (setns(broker->host_mounts, CLONE_NEWNS) || sched_setaffinity(0, sizeof one, &one))
            return fail(out, STEP_NAMESPACES, "CPU %d", cpu);
        error = leave_and_bind(file);
    }
    sched_setaffinity(0, sizeof allowed, &allowed);
    return error ? fail_with(out, error, STEP_NAMESPACES, "pin %s", file) : 0;
}

static int enter_namespace(struct broker *broker, struct outcome *out)
{
    struct stat here, pinned;
    broker->host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int pin = openat(broker->run, "pin/mnt", O_RDONLY | O_CLOEXEC);
    /* A pin that is a plain file was left by a broker that died before it bound anything. */
    if (pin >= 0 && !fstat(pin, &pinned) && !fstat(broker->host_mounts, &here) && pinned.st_dev == here.st_dev) {
        int bad = setns(pin, CLONE_NEWNS);
        close(pin);
        return bad ? fail(out, STEP_NAMESPACES, "enter %s/pin/mnt", broker->run_path) : 0;
    }
    if (pin >= 0)
        close(pin);
    return pin_namespace(broker, out);
}

/* A tmpfs that only this namespace has, with the places that mounts go to. */
static int make_places(struct broker *broker, struct outcome *out)
{
    char path[96];
    static const char *const places[] = { LAYER_MOUNTS,
                                          UPPER_MOUNTS,
                                          STAGE,
                                          STAGE "/u",
                                          STAGE "/root",
                                          STAGE "/empty",
                                          STAGE "/sys",
                                          STAGE "/sys/block",
                                          STAGE "/sys/bus",
                                          STAGE "/sys/class",
                                          STAGE "/sys/dev",
                                          STAGE "/sys/fs",
                                          STAGE "/sys/kernel",
                                          STAGE "/sys/module",
                                          STAGE "/sys/devices",
                                          STAGE "/sys/devices/system",
                                          STAGE "/sys/devices/system/cpu" };
    snprintf(path, sizeof path, "%s/" MOUNTS, broker->run_path);
    if (is_mounted(broker->run, MOUNTS))
        return 0;
    if (mount("squash", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=4m") ||
        mount(NULL, path, NULL, MS_PRIVATE, NULL))
        return fail(out, STEP_MOUNT, "%s", path);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        /* Sandboxes see some of them as their own folders: readable, whatever this process's umask is. */
        if (ensure_folder(broker->run, places[i], 0755, 0, 0))
            return fail(out, STEP_MOUNT, "%s", places[i]);
    for (int i = 0; i < LAYERS_MAX; i++) {
        snprintf(path, sizeof path, STAGE "/%d", i);
        if (mkdirat(broker->run, path, 0755))
            return fail(out, STEP_MOUNT, "%s", path);
    }
    return 0;
}

int run_folder_open(struct broker *broker, struct outcome *out)
{
    int parent = -1, bad = -1;
    int run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run < 0 || ensure_folder(run, "squash", 0755, 0, 0))
        return fail(out, STEP_REQUEST, "/run/squash");
    close(run);
    parent = open("/run/squash", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (parent >= 0 && !ensure_folder(parent, broker->instance, 0711, 0, 0))
        broker->run = open_beneath(parent, broker->instance, O_RDONLY | O_DIRECTORY, 0);
    if (broker->run < 0 || ensure_folder(broker->run, "machines", 0711, 0, 0) ||
        ensure_folder(broker->run, "pin", 0700, 0, 0) ||
        (!is_mounted(broker->run, MOUNTS) && ensure_folder(broker->run, MOUNTS, 0700, 0, 0)))
        fail(out, STEP_REQUEST, "%s", broker->run_path);
    else
        bad = forget_earlier_boot(broker, out) || enter_namespace(broker, out);
    /* The descriptor must be one of the namespace that we are in now, or paths below it would miss its mounts. */
    if (!bad) {
        close(broker->run);
        broker->run = open(broker->run_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        bad = broker->run < 0 ? fail(out, STEP_NAMESPACES, "%s", broker->run_path) : make_places(broker, out);
    }
    if (parent >= 0)
        close(parent);
    return bad ? -1 : 0;
}

static void unmount_all(const struct broker *broker, const char *place)
{
    int folder = open_beneath(broker->run, place, O_RDONLY | O_DIRECTORY, 0);
    DIR *entries = folder < 0 ? NULL : fdopendir(dup(folder));
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        struct outcome ignored = { 0 };
        if (entry->d_name[0] != '.')
            image_unmount(folder, entry->d_name, &ignored);
    }
    if (entries)
        closedir(entries);
    if (folder >= 0)
        close(folder);
}

void run_folder_remove(struct broker *broker)
{
    char path[112];
    unmount_all(broker, UPPER_MOUNTS);
    unmount_all(broker, LAYER_MOUNTS);
    pool_close(broker);
    snprintf(path, sizeof path, "%s/" MOUNTS, broker->run_path);
    umount2(path, MNT_DETACH);
    /* The pin is a mount of the host's namespace. */
    close(broker->run);
    if (setns(broker->host_mounts, CLONE_NEWNS))
        return;
    snprintf(path, sizeof path, "%s/pin/mnt", broker->run_path);
    umount2(path, MNT_DETACH);
    unlink(path);
    snprintf(path, sizeof path, "%s/pin", broker->run_path);
    umount2(path, MNT_DETACH);
    static const char *const folders[] = { "pin", "machines", MOUNTS, "" };
    snprintf(path, sizeof path, "%s/boot", broker->run_path);
    unlink(path);
    snprintf(path, sizeof path, "%s/daemon", broker->run_path);
    unlink(path);
    snprintf(path, sizeof path, "%s/.daemon", broker->run_path);
    unlink(path);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", broker->run_path, folders[i]);
        rmdir(path);
    }
}
