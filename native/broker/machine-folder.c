/* The note of a machine is written before the machine exists, so that a broker that dies in between is cleaned up after. */
#include "beneath.h"
#include "process-time.h"
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE_MAX 80

static int open_folder(const struct broker *broker, const key_t8 *label)
{
    char path[48] = "machines/";
    hex(label->bytes, 8, path + 9);
    return open_beneath(broker->run, path, O_RDONLY | O_DIRECTORY, 0);
}

static int write_note(int folder, const struct machine_note *note)
{
    char text[NOTE_MAX], upper[HEX8];
    hex(note->upper.bytes, 8, upper);
    int length = snprintf(text, sizeof text, "%u %d %llu %s\n", note->slot, (int)note->pid,
                          note->pid ? process_start_time(note->pid) : 0, upper);
    int fd = openat(folder, ".slot", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    /* Not flushed: it must survive this process, not this boot. */
    int bad = write(fd, text, (size_t)length) != length || renameat(folder, ".slot", folder, "slot");
    close(fd);
    return bad;
}

int machine_folder_make(const struct broker *broker, const struct machine_note *note, struct outcome *out)
{
    char path[48] = "machines/";
    hex(note->label.bytes, 8, path + 9);
    if (mkdirat(broker->run, path, 0711))
        return fail(out, STEP_MACHINE, "%s", path);
    int folder = open_folder(broker, &note->label);
    int bad = folder < 0 || fchmod(folder, 0711) || write_note(folder, note);
    if (bad)
        fail(out, STEP_MACHINE, "%s", path);
    if (folder >= 0)
        close(folder);
    return bad ? -1 : 0;
}

int machine_folder_update(const struct broker *broker, const struct machine_note *note)
{
    int folder = open_folder(broker, &note->label);
    int bad = folder < 0 || write_note(folder, note);
    if (folder >= 0)
        close(folder);
    return bad;
}

int machine_folder_remove(const struct broker *broker, const key_t8 *label)
{
    char path[48] = "machines/";
    hex(label->bytes, 8, path + 9);
    int folder = open_folder(broker, label);
    if (folder < 0)
        return errno == ENOENT ? 0 : -1;
    static const char *const files[] = { "sock", "slot", ".slot" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlinkat(folder, files[i], 0);
    close(folder);
    return unlinkat(broker->run, path, AT_REMOVEDIR);
}

int machine_folders_each(const struct broker *broker, void (*each)(void *context, const struct machine_note *note),
                         void *context)
{
    int folder = open_beneath(broker->run, "machines", O_RDONLY | O_DIRECTORY, 0);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries)
        return -1;
    for (struct dirent *entry; (entry = readdir(entries));) {
        struct machine_note note = { .slot = SLOTS };
        char path[64], text[NOTE_MAX], upper[HEX8] = "";
        unsigned long long started = 0;
        int pid = 0;
        if (strlen(entry->d_name) != 16 || unhex(entry->d_name, note.label.bytes, 8))
            continue;
        snprintf(path, sizeof path, "%.16s/slot", entry->d_name);
        if (read_knob(folder, path, text, sizeof text) > 0 &&
            sscanf(text, "%u %d %llu %16s", &note.slot, &pid, &started, upper) == 4 &&
            !unhex(upper, note.upper.bytes, 8) && pid > 0 && process_start_time(pid) == started)
            note.pid = pid;
        each(context, &note);
    }
    closedir(entries);
    return 0;
}
