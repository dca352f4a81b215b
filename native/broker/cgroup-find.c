/* Where the controllers are on this host. */
#include "beneath.h"
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const controller_names[] = { "memory", "cpu", "pids", "freezer" };

static int has_word(const char *list, const char *word, const char *separators)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length) {
        int starts = at == list || strchr(separators, at[-1]);
        int ends = !at[length] || strchr(separators, at[length]);
        if (starts && ends)
            return 1;
    }
    return 0;
}

static struct hierarchy *add(struct cgroups *cgroups, const char *mount, int is_v2)
{
    for (int i = 0; i < cgroups->count; i++)
        if (!strcmp(cgroups->hierarchies[i].path, mount))
            return &cgroups->hierarchies[i];
    if (cgroups->count == HIERARCHIES_MAX)
        return NULL;
    struct hierarchy *found = &cgroups->hierarchies[cgroups->count++];
    snprintf(found->path, sizeof found->path, "%.100s", mount);
    found->is_v2 = is_v2;
    return found;
}

/* One line of mountinfo: `… - type source options`, with the mount point as fifth field. */
static void look_at(struct cgroups *cgroups, char *line, unsigned *missing)
{
    char *tail = strstr(line, " - ");
    if (!tail)
        return;
    *tail = 0;
    char type[32], source[64], options[256], root[256], mount[256];
    if (sscanf(tail + 3, "%31s %63s %255s", type, source, options) != 3 ||
        sscanf(line, "%*s %*s %*s %255s %255s", root, mount) != 2 || strcmp(root, "/"))
        return;
    int is_v2 = !strcmp(type, "cgroup2");
    if (!is_v2 && strcmp(type, "cgroup"))
        return;
    char available[256] = "";
    if (is_v2) {
        char path[300];
        snprintf(path, sizeof path, "%s/cgroup.controllers", mount);
        read_knob(AT_FDCWD, path, available, sizeof available);
    }
    for (int c = 0; c < CONTROLLER_COUNT; c++) {
        /* v2 can freeze every group but the root; on v1 a controller is a mount option. */
        int here = is_v2 ? c == CONTROLLER_FREEZER || has_word(available, controller_names[c], " \n")
                         : has_word(options, controller_names[c], ",");
        if (!here || !(*missing & 1u << c))
            continue;
        struct hierarchy *hierarchy = add(cgroups, mount, is_v2);
        if (!hierarchy)
            return;
        hierarchy->controllers |= 1u << c;
        *missing &= ~(1u << c);
    }
}

static void scan(struct cgroups *cgroups, unsigned *missing, int v2)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) {
        int is_v2 = strstr(line, " - cgroup2 ") != NULL;
        if (is_v2 == v2)
            look_at(cgroups, line, missing);
    }
    if (file)
        fclose(file);
}

static int open_folder(struct hierarchy *hierarchy, const char *instance, struct outcome *out)
{
    size_t length = strlen(hierarchy->path);
    if (hierarchy->is_v2) {
        char control[200];
        snprintf(control, sizeof control, "%s/cgroup.subtree_control", hierarchy->path);
        for (int c = 0; c < CONTROLLER_FREEZER; c++) {
            char word[16];
            snprintf(word, sizeof word, "+%s", controller_names[c]);
            if (hierarchy->controllers & 1u << c && write_knob(AT_FDCWD, control, word))
                return fail(out, STEP_CGROUP, "%s in %s", word, control);
        }
    }
    snprintf(hierarchy->path + length, sizeof hierarchy->path - length, "/squash-%s", instance);
    if (mkdir(hierarchy->path, 0755) && errno != EEXIST)
        return fail(out, STEP_CGROUP, "%s", hierarchy->path);
    hierarchy->folder = open(hierarchy->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (hierarchy->folder < 0)
        return fail(out, STEP_CGROUP, "%s", hierarchy->path);
    if (!hierarchy->is_v2)
        return 0;
    for (int c = 0; c < CONTROLLER_FREEZER; c++) {
        char word[16];
        snprintf(word, sizeof word, "+%s", controller_names[c]);
        if (hierarchy->controllers & 1u << c && write_knob(hierarchy->folder, "cgroup.subtree_control", word))
            return fail(out, STEP_CGROUP, "%s in %s", word, hierarchy->path);
    }
    return 0;
}

int cgroups_open(struct cgroups *cgroups, const char *instance, struct outcome *out)
{
    unsigned missing = (1u << CONTROLLER_COUNT) - 1;
    memset(cgroups, 0, sizeof *cgroups);
    /* v2 first: where it carries a controller, v1 cannot; and its freezer cannot be undone by a signal. */
    scan(cgroups, &missing, 1);
    scan(cgroups, &missing, 0);
    for (int c = 0; c < CONTROLLER_COUNT; c++)
        if (missing & 1u << c)
            return fail_with(out, ENOSYS, STEP_CGROUP, "no mounted hierarchy has the %s controller",
                             controller_names[c]);
    int v1 = 0, v2 = 0;
    for (int i = 0; i < cgroups->count; i++) {
        struct hierarchy *hierarchy = &cgroups->hierarchies[i];
        *(hierarchy->is_v2 ? &v2 : &v1) = 1;
        if (open_folder(hierarchy, instance, out))
            return -1;
        const char *knob = hierarchy->is_v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
        if (hierarchy->controllers & 1u << CONTROLLER_MEMORY && !faccessat(hierarchy->folder, knob, F_OK, 0))
            cgroups->has_swap_accounting = 1;
    }
    cgroups->mode = v1 && v2 ? 3 : v2 ? 2 : 1;
    return 0;
}

void cgroups_close(struct cgroups *cgroups)
{
    for (int i = 0; i < cgroups->count; i++) {
        close(cgroups->hierarchies[i].folder);
        rmdir(cgroups->hierarchies[i].path);
    }
    cgroups->count = 0;
}
