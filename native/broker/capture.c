/*
 * Capture: the content of an upper, or of an upper and the layers right below it, as a squashfs in the store.
 * The sandbox is frozen while it is read: an upper in an ext4 image or in memory cannot be cloned.
 */
#include "capture.h"

#include "beneath.h"
#include "layers.h"
#include "packing.h"
#include "pause.h"
#include "sha256.h"
#include "store.h"
#include "uppers.h"
#include "userns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(LOSSES == LOST_COUNT, "the wire carries what the packer counts");

#define TAKEN "modules/.taken"
#define FILES_MAX UINT32_MAX /* in an upper, and in an image: what the packer counts above it is a lie */

static void image_path(const uint8_t label[8], char path[64])
{
    char name[HEX8];
    hex(label, 8, name);
    snprintf(path, 64, TAKEN "/capture-%s", name);
}

void capture_clean(const struct broker *broker, const uint8_t label[8])
{
    char path[64];
    image_path(label, path);
    unlinkat(broker->data, path, 0);
}

void captures_clean(const struct broker *broker)
{
    int folder = open_beneath(broker->data, TAKEN, O_RDONLY | O_DIRECTORY, 0);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (!strncmp(entry->d_name, "capture-", 8))
            unlinkat(folder, entry->d_name, 0);
    if (entries)
        closedir(entries);
    else if (folder >= 0)
        close(folder);
}

/* An empty file of the sandbox's root, in a folder that only the host's root can enter. */
static int make_image(const struct broker *broker, const char *path, uid_t owner, struct outcome *out)
{
    int modules = open_beneath(broker->data, "modules", O_RDONLY | O_DIRECTORY, 0);
    int bad = modules < 0 || ensure_folder(modules, ".taken", 0700, 0, 0);
    if (modules >= 0)
        close(modules);
    /* One that a broker before this one left half written. */
    int fd = bad || (unlinkat(broker->data, path, 0) && errno != ENOENT)
                 ? -1
                 : open_beneath(broker->data, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd >= 0 && !fchown(fd, owner, owner))
        return fd;
    fail(out, STEP_STORE, "%s", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* An image is at most as large as what it is made of, and a little for its tables. */
static int measure(const struct broker *broker, const struct capture_request *request, uint64_t *size_max,
                   struct outcome *out)
{
    struct upper_size size = { 0 };
    struct stat image;
    int bad = upper_measure(broker, &request->upper, &size, out);
    *size_max = (64ull << 20) + size.limit_bytes;
    for (uint32_t i = 0; i < request->layer_count && !bad; i++) {
        char digest_hex[HEX32];
        hex(request->layers[i].bytes, 32, digest_hex);
        int layer = layer_open(broker, digest_hex, out);
        bad = layer < 0 || fstat(layer, &image);
        /* Merged, it is compressed anew: twice its size is generous. */
        *size_max += bad ? 0 : 2 * (uint64_t)image.st_size;
        if (layer >= 0)
            close(layer);
    }
    return bad ? -1 : 0;
}

/* The file becomes root's, and a part of the store. All who could write to it are gone. */
static int store_image(const struct broker *broker, int fd, struct capture_reply *reply, struct outcome *out)
{
    char digest_hex[HEX32];
    uint64_t size = 0;
    if (fchown(fd, 0, broker->daemon_gid) || fchmod(fd, 0440) || fsync(fd) ||
        sha256_file(fd, reply->digest.bytes, &size))
        return fail(out, STEP_STORE, "the image");
    reply->size_bytes = size;
    hex(reply->digest.bytes, 32, digest_hex);
    int modules = open_beneath(broker->data, "modules", O_RDONLY | O_DIRECTORY, 0);
    int lock = store_lock(broker, 1);
    int bad = modules < 0 || lock < 0 ? fail(out, STEP_STORE, "modules") : 0;
    bad = bad || store_bytes(broker, modules, fd, &reply->digest, out) || store_stamp(broker, digest_hex, out);
    if (lock >= 0)
        close(lock);
    if (modules >= 0)
        close(modules);
    return bad ? -1 : 0;
}

struct packed {
    struct packing packing;
    struct pack_report report;
};

static int pack(const struct broker *broker, void *context, struct outcome *out)
{
    struct packed *packed = context;
    (void)broker;
    return packing_run(&packed->packing, &packed->report, out);
}

/* A clone is written to by nobody. */
static int pack_still(const struct capture_order *order, struct packed *packed, uint64_t *pause_micros,
                      struct outcome *out)
{
    const struct broker *broker = packed->packing.broker;
    if (order->request.flags & (FLAG_OF_CLONE | FLAG_OF_LAYERS))
        return pack(broker, packed, out);
    return pause_machine(broker, order->slot, &(struct pause){ pack, packed, pause_micros }, out);
}

int capture(const struct broker *broker, const void *request, struct outcome *out)
{
    const struct capture_order *order = request;
    struct capture_reply reply = { 0 };
    char image[64];
    uid_t first = slot_uid(broker, order->slot);
    image_path(order->request.label.bytes, image);
    struct packed packed = { .packing = { .broker = broker, .request = &order->request, .image = image } };
    uint64_t pause_micros = 0;
    if (measure(broker, &order->request, &packed.packing.size_max, out))
        return -1;
    int fd = make_image(broker, image, first, out);
    packed.packing.userns = fd < 0 ? -1 : userns_make(first, out);
    int bad = packed.packing.userns < 0 || pack_still(order, &packed, &pause_micros, out) ||
              store_image(broker, fd, &reply, out);
    reply.pause_micros = pause_micros;
    for (unsigned i = 0; i < LOSSES; i++)
        reply.lost[i] = packed.report.lost[i] < FILES_MAX ? packed.report.lost[i] : FILES_MAX;
    if (fd >= 0)
        close(fd);
    capture_clean(broker, order->request.label.bytes);
    if (!bad)
        answer(out, &reply, sizeof reply);
    return bad ? -1 : 0;
}
