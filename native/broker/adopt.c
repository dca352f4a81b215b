/* What an earlier broker left: machines that run are watched again, all else is removed. */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The note names a process; that it is in the slot's group shows that it is the machine. */
static int is_member(const struct broker *broker, unsigned slot, pid_t pid)
{
    char name[8], line[32];
    slot_name(slot, name);
    int fd = cgroup_members(&broker->cgroups, name);
    FILE *members = fd < 0 ? NULL : fdopen(fd, "r");
    int found = 0;
    while (members && !found && fgets(line, sizeof line, members))
        found = atoi(line) == pid;
    if (members)
        fclose(members);
    return found;
}

static void adopt(void *context, const struct machine_note *note)
{
    struct server *server = context;
    if (note->slot >= SLOTS || server->machines[note->slot].state != MACHINE_FREE) {
        /* A note without a slot: its writer died before there was anything else. */
        machine_folder_remove(&server->broker, &note->label);
        return;
    }
    struct machine *machine = &server->machines[note->slot];
    machine->label = note->label;
    machine->upper = note->upper;
    machine->pid = note->pid;
    machine->channel = -1;
    /* The descriptor first: whom it names cannot change while the group is asked for it. */
    machine->pidfd = note->pid ? (int)syscall(SYS_pidfd_open, note->pid, 0) : -1;
    if (machine->pidfd < 0 && note->pid && errno != ESRCH)
        server->failed = errno; /* it may well run: better no broker than one that takes it for dead */
    if (machine->pidfd >= 0 && !is_member(&server->broker, note->slot, note->pid)) {
        close(machine->pidfd);
        machine->pidfd = -1;
    }
    machine->state = machine->pidfd >= 0 ? MACHINE_RUNNING : MACHINE_DEAD;
    if (machine->state == MACHINE_RUNNING) {
        char name[8];
        slot_name(note->slot, name);
        /* A broker that died while it had the sandbox frozen left it so. */
        cgroup_freeze(&server->broker.cgroups, name, 0);
        if (watch(server, machine->pidfd, WATCH_PIDFD, note->slot))
            server->failed = errno;
    }
}

/* Groups of starters that died with their broker. */
static void find_unclaimed(struct server *server)
{
    const struct cgroups *cgroups = &server->broker.cgroups;
    for (int i = 0; i < cgroups->count; i++) {
        int folder = openat(cgroups->hierarchies[i].folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *entries = folder < 0 ? NULL : fdopendir(folder);
        for (struct dirent *entry; entries && (entry = readdir(entries));) {
            unsigned slot;
            char end;
            if (sscanf(entry->d_name, "s%4u%c", &slot, &end) == 1 && slot < SLOTS &&
                server->machines[slot].state == MACHINE_FREE)
                server->machines[slot].state = MACHINE_DEAD;
        }
        if (entries)
            closedir(entries);
    }
}

int machines_adopt(struct server *server, struct outcome *out)
{
    for (unsigned i = 0; i < SLOTS; i++)
        server->machines[i].channel = server->machines[i].pidfd = -1;
    if (machine_folders_each(&server->broker, adopt, server))
        return fail(out, STEP_MACHINE, "machines");
    if (server->failed)
        return fail_with(out, server->failed, STEP_MACHINE, "watch a sandbox");
    find_unclaimed(server);
    machines_clean(server);
    return 0;
}
