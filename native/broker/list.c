/* What is there, for a daemon that starts after a crash: asked of the kernel and the disk, not of memory. */
#include "beneath.h"
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_MAX 32
#define COUNT_MAX 1024 /* entries of one answer */

struct list {
    uint32_t total, count;
    uint32_t after;
    int mounts; /* of uppers */
    size_t entry_size;
    unsigned char entries[COUNT_MAX * ENTRY_MAX];
};

static void add(struct list *list, const void *entry)
{
    if (list->total++ < list->after || list->count == COUNT_MAX)
        return;
    memcpy(list->entries + list->count++ * list->entry_size, entry, list->entry_size);
}

static void list_sandboxes(struct server *server, struct list *list)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct machine *machine = &server->machines[i];
        struct __attribute__((packed)) {
            key_t8 label;
            uint32_t pid, reserved;
        } entry = { machine->label, machine->state == MACHINE_RUNNING ? (uint32_t)machine->pid : 0, 0 };
        if (machine->state >= MACHINE_STARTING)
            add(list, &entry);
    }
}

/* Calls back for every name in a folder of `digits` hex digits and a suffix. */
static int each_name(int parent, const char *path, size_t digits, const char *suffix, struct list *list,
                     void (*each)(struct list *list, const uint8_t *bytes))
{
    int folder = open_beneath(parent, path, O_RDONLY | O_DIRECTORY, 0);
    DIR *names = folder < 0 ? NULL : fdopendir(folder);
    uint8_t bytes[32];
    if (!names)
        return -1;
    for (struct dirent *name; (name = readdir(names));)
        if (strlen(name->d_name) == digits + strlen(suffix) && !strcmp(name->d_name + digits, suffix) &&
            !unhex(name->d_name, bytes, digits / 2))
            each(list, bytes);
    closedir(names);
    return 0;
}

static void add_digest(struct list *list, const uint8_t *bytes)
{
    add(list, bytes);
}

struct __attribute__((packed)) upper_entry {
    uint8_t upper[8];
    uint32_t attached, reserved;
};

static void add_mounted(struct list *list, const uint8_t *bytes)
{
    struct upper_entry entry = { .attached = 1 };
    memcpy(entry.upper, bytes, 8);
    add(list, &entry);
}

/* An image that is mounted is listed by its mount, in this answer or in another. */
static void add_image(struct list *list, const uint8_t *bytes)
{
    struct upper_entry entry = { .attached = 0 };
    char key[HEX8];
    hex(bytes, 8, key);
    if (!faccessat(list->mounts, key, F_OK, AT_SYMLINK_NOFOLLOW))
        return;
    memcpy(entry.upper, bytes, 8);
    add(list, &entry);
}

static int list_uppers(const struct broker *broker, struct list *list)
{
    list->mounts = open_beneath(broker->run, UPPER_MOUNTS, O_RDONLY | O_DIRECTORY, 0);
    int bad = list->mounts < 0 || each_name(broker->run, UPPER_MOUNTS, 16, "", list, add_mounted) ||
              each_name(broker->data, "uppers", 16, ".img", list, add_image) ||
              (broker->pool >= 0 && each_name(broker->pool, ".", 16, "", list, add_image));
    if (list->mounts >= 0)
        close(list->mounts);
    return bad;
}

void list_handle(struct server *server, uint32_t id, const struct list_request *request)
{
    static struct list list;
    struct outcome out = { 0 };
    memset(&list, 0, offsetof(struct list, entries));
    list.after = request->after;
    list.entry_size = request->kind == LIST_LAYERS ? 32 : 16;
    int bad = 0;
    if (request->kind == LIST_SANDBOXES)
        list_sandboxes(server, &list);
    else if (request->kind == LIST_UPPERS)
        bad = list_uppers(&server->broker, &list);
    else if (request->kind == LIST_LAYERS)
        bad = each_name(server->broker.run, LAYER_MOUNTS, 64, "", &list, add_digest);
    else
        bad = fail_with(&out, EINVAL, STEP_REQUEST, "kind %u", request->kind);
    if (bad)
        fail(&out, STEP_REQUEST, "list");
    static struct {
        uint32_t total, count;
        unsigned char entries[sizeof list.entries];
    } answer_body;
    answer_body.total = list.total;
    answer_body.count = list.count;
    memcpy(answer_body.entries, list.entries, list.count * list.entry_size);
    reply(server, OP_LIST, id, &out.wire, &answer_body, 8 + list.count * list.entry_size);
}
