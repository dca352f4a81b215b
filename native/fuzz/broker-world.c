#include "fuzz/broker-world.h"

#include "broker/beneath.h"
#include "broker/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORLD "/dev/shm" /* covered by a file system that this process alone sees, and that goes with it */
#define CANARY WORLD "/canary"

struct world_layer world_layers[WORLD_LAYERS];

const char *const world_traps[] = { "link", "hard", "fifo", "folder", "open", "bare", "nul", "dangling", "other" };
const unsigned world_trap_count = sizeof world_traps / sizeof *world_traps;

static struct stat canary[4];
static const char *const canary_paths[] = { CANARY, CANARY "/secret", CANARY "/folder", CANARY "/folder/file" };

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "broker-fuzz: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void write_file(const char *path, const void *content, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(fd, path);
    must(write(fd, content, length) == (ssize_t)length ? 0 : -1, path);
    close(fd);
}

static void stage_layer(unsigned i)
{
    struct world_layer *layer = &world_layers[i];
    char path[96], content[32], digest_hex[HEX32], sidecar[160];
    struct sha256 context;
    int length = snprintf(content, sizeof content, "the bytes of layer %u", i);
    sha256_init(&context);
    sha256_update(&context, content, (size_t)length);
    sha256_final(&context, layer->digest.bytes);
    hex(layer->digest.bytes, 32, digest_hex);
    snprintf(layer->staged, sizeof layer->staged, "good%u", i);
    snprintf(layer->name, sizeof layer->name, "00%u-layer", i);
    layer->sidecar_bytes = (uint32_t)snprintf(sidecar, sizeof sidecar, "{\"format\":1,\"sha256\":\"%s\"}", digest_hex);
    snprintf(path, sizeof path, WORLD "/root/staging/%s.squashfs", layer->staged);
    if (access(path, F_OK))
        write_file(path, content, (size_t)length);
    snprintf(path, sizeof path, WORLD "/root/staging/%s.json", layer->staged);
    write_file(path, sidecar, layer->sidecar_bytes);
    /* Each trap has a sidecar that fits the first layer, so that it is the trap that is refused. */
    for (unsigned k = 0; i == 0 && k < world_trap_count; k++) {
        snprintf(path, sizeof path, WORLD "/root/staging/%s.json", world_traps[k]);
        if (strcmp(world_traps[k], "bare"))
            write_file(path, sidecar, strcmp(world_traps[k], "nul") ? layer->sidecar_bytes : layer->sidecar_bytes + 1);
    }
}

static void stage_traps(void)
{
    static int held = -1;
    must(symlink(CANARY "/secret", WORLD "/root/staging/link.squashfs"), "link");
    must(link(CANARY "/secret", WORLD "/root/staging/hard.squashfs"), "hard");
    must(mkfifo(WORLD "/root/staging/fifo.squashfs", 0666), "fifo");
    must(mkdir(WORLD "/root/staging/folder.squashfs", 0777), "folder");
    must(symlink(CANARY "/new", WORLD "/root/staging/dangling.squashfs"), "dangling");
    write_file(WORLD "/root/staging/open.squashfs", "the bytes of layer 0", 20);
    write_file(WORLD "/root/staging/bare.squashfs", "the bytes of layer 0", 20);
    write_file(WORLD "/root/staging/nul.squashfs", "the bytes of layer 0", 20);
    write_file(WORLD "/root/staging/other.squashfs", "other bytes", 11);
    if (held >= 0)
        close(held);
    held = open(WORLD "/root/staging/open.squashfs", O_RDWR | O_CLOEXEC);
    must(held, "open");
}

static void make_folders(void)
{
    static const char *const folders[] = { "/root",       "/root/modules", "/root/uppers",  "/root/sandboxes",
                                           "/root/state", "/root/staging", "/run",          "/run/machines",
                                           "/run/m",      "/run/m/layers", "/run/m/uppers", "/cgroup" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[64];
        snprintf(path, sizeof path, WORLD "%s", folders[i]);
        must(mkdir(path, 0755) && errno != EEXIST ? -1 : 0, path);
    }
}

static void fill(void)
{
    make_folders();
    for (unsigned i = 0; i < WORLD_LAYERS; i++)
        stage_layer(i);
    stage_traps();
}

void world_make(void)
{
    /* The file system goes with the process, however it ends; uppers and layers are mounted in it for real. */
    must(unshare(CLONE_NEWNS), "a mount namespace of its own (needs root)");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    must(mount("broker-fuzz", WORLD, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m,nr_inodes=20000"), WORLD);
    must(mkdir(CANARY, 0777) || mkdir(CANARY "/folder", 0777) ? -1 : 0, CANARY);
    write_file(CANARY "/secret", "the bytes of layer 0", 20);
    write_file(CANARY "/folder/file", "file", 4);
    fill();
    for (size_t i = 0; i < sizeof canary / sizeof *canary; i++)
        must(lstat(canary_paths[i], &canary[i]), canary_paths[i]);
}

void world_check_canary(void)
{
    struct stat now;
    for (size_t i = 0; i < sizeof canary / sizeof *canary; i++)
        if (lstat(canary_paths[i], &now) || now.st_ino != canary[i].st_ino || now.st_mode != canary[i].st_mode ||
            now.st_uid != canary[i].st_uid || now.st_gid != canary[i].st_gid || now.st_size != canary[i].st_size ||
            memcmp(&now.st_mtim, &canary[i].st_mtim, sizeof now.st_mtim)) {
            fprintf(stderr, "broker-fuzz: %s was touched\n", canary_paths[i]);
            abort();
        }
    /* Content changes of files above; here: nothing was made beside what belongs there. */
    unsigned entries = 0;
    DIR *top = opendir(WORLD);
    while (top && readdir(top))
        entries++;
    if (!top || entries != 6) {
        fprintf(stderr, "broker-fuzz: %u entries in the world\n", entries);
        abort();
    }
    closedir(top);
}

void world_start_broker(struct server *server, int *starters, unsigned ready)
{
    struct broker *broker = &server->broker;
    memset(server, 0, sizeof *server);
    strcpy(broker->instance, "00000000");
    strcpy(broker->data_path, WORLD "/root");
    strcpy(broker->run_path, WORLD "/run");
    broker->pid = getpid();
    broker->data = open(broker->data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    broker->run = open(broker->run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    broker->pool = -1;
    broker->uid_base = 1 << 20;
    broker->daemon_uid = broker->daemon_gid = 65534;
    broker->cgroups = (struct cgroups){ .count = 1, .mode = 2 };
    broker->cgroups.hierarchies[0] =
        (struct hierarchy){ .path = WORLD "/cgroup",
                            .folder = open(WORLD "/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .is_v2 = 1,
                            .controllers = (1u << CONTROLLER_COUNT) - 1 };
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->connection = server->signals = -1;
    for (unsigned i = 0; i < SLOTS; i++)
        server->machines[i].channel = server->machines[i].pidfd = -1;
    for (unsigned i = 0; i < ready; i++) {
        int ends[2];
        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        server->machines[i].state = MACHINE_READY;
        server->machines[i].channel = ends[0];
        starters[i] = ends[1];
        must(watch(server, ends[0], WATCH_STARTER, i), "watch");
    }
}

static void unmount_below(const char *path)
{
    char mount_path[PATH_MAX];
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(mount_path, sizeof mount_path, "%s/%s", path, entry->d_name);
        while (!umount2(mount_path, MNT_DETACH))
            ;
        rmdir(mount_path);
    }
    if (entries)
        closedir(entries);
}

static int remove_entry(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s, (void)type;
    if (walk->level > 0)
        must(remove(path), path);
    return 0;
}

void world_reset(const struct server *server)
{
    static unsigned sessions;
    close(server->broker.data);
    close(server->broker.run);
    close(server->broker.cgroups.hierarchies[0].folder);
    unmount_below(WORLD "/run/m/uppers");
    unmount_below(WORLD "/run/m/layers");
    must(nftw(WORLD "/run/machines", remove_entry, 16, FTW_DEPTH | FTW_PHYS), "clear");
    must(nftw(WORLD "/root/uppers", remove_entry, 16, FTW_DEPTH | FTW_PHYS), "clear");
    /* What was published stays for a while: later sessions meet it. */
    if (++sessions % 64 == 0) {
        must(nftw(WORLD "/root", remove_entry, 16, FTW_DEPTH | FTW_PHYS), "clear");
        fill();
    }
    for (unsigned i = 0; i < WORLD_LAYERS; i++)
        stage_layer(i);
}
