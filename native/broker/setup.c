#include "setup.h"

#include "beneath.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int parse_number(const char *text, unsigned long max, unsigned long *value)
{
    char *end;
    errno = 0;
    *value = strtoul(text, &end, 10);
    return errno || end == text || *end || *value > max ? -1 : 0;
}

int arguments_parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        { "data", 1, NULL, 'd' },   { "user", 1, NULL, 'u' },     { "group", 1, NULL, 'g' },
        { "agent", 1, NULL, 'a' },  { "uid-base", 1, NULL, 'b' }, { "ready", 1, NULL, 'r' },
        { "digest", 1, NULL, 's' }, { "replace", 0, NULL, 'R' },  { "packer", 1, NULL, 'p' },
        { "pool", 1, NULL, 'P' },   { NULL, 0, NULL, 0 },
    };
    unsigned long number;
    *arguments = (struct arguments){ .user = "squash", .group = "squash" };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'd':
            arguments->data = optarg;
            break;
        case 'u':
            arguments->user = optarg;
            break;
        case 'g':
            arguments->group = optarg;
            break;
        case 'a':
            arguments->agent = optarg;
            break;
        case 'P':
            arguments->pool = optarg;
            break;
        case 'p':
            arguments->packer = optarg;
            break;
        case 's':
            arguments->digest = optarg;
            break;
        case 'R':
            arguments->replace = 1;
            break;
        case 'b':
            if (parse_number(optarg, UINT32_MAX, &number))
                return say("--uid-base takes a user id, not \"%s\"", optarg), -1;
            arguments->uid_base = (uint32_t)number;
            break;
        case 'r':
            if (parse_number(optarg, SLOTS / 2, &number))
                return say("--ready takes 0 to %u, not \"%s\"", SLOTS / 2, optarg), -1;
            arguments->ready = (unsigned)number;
            break;
        default:
            return -1;
        }
    }
    arguments->words = argv + optind;
    arguments->word_count = argc - optind;
    arguments->command = argv + optind;
    return 0;
}

/* From the files, not through NSS: a static program cannot load its modules, and service users are local. */
static int find_ids(struct broker *broker, const struct arguments *arguments, struct outcome *out)
{
    int user = 0, group = 0;
    FILE *file = fopen("/etc/passwd", "re");
    for (struct passwd *entry; file && !user && (entry = fgetpwent(file));)
        if (!strcmp(entry->pw_name, arguments->user))
            user = 1, broker->daemon_uid = entry->pw_uid;
    if (file)
        fclose(file);
    file = fopen("/etc/group", "re");
    for (struct group *entry; file && !group && (entry = fgetgrent(file));)
        if (!strcmp(entry->gr_name, arguments->group))
            group = 1, broker->daemon_gid = entry->gr_gid;
    if (file)
        fclose(file);
    if (!user || !group || !broker->daemon_uid || !broker->daemon_gid)
        return fail_with(out, ENOENT, STEP_REQUEST, "user %s and group %s (script/setup makes them)", arguments->user,
                         arguments->group);
    return 0;
}

/* The group of people's builders; without it only root can stage, which is enough for publishing. */
static gid_t builders_uid(void)
{
    FILE *file = fopen("/etc/passwd", "re");
    uid_t found = 0;
    for (struct passwd *entry; file && !found && (entry = fgetpwent(file));)
        if (!strcmp(entry->pw_name, "squash-build"))
            found = entry->pw_uid;
    if (file)
        fclose(file);
    return found;
}

/* Whether the daemon, which works on the state root by path, can enter every folder above it. */
static int is_reachable(const struct broker *broker, const char *path)
{
    /* Kernel: with another fsuid, root's power over files is off (capabilities(7)). */
    setfsgid(broker->daemon_gid);
    setfsuid(broker->daemon_uid);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    setfsuid(0);
    setfsgid(0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int state_root_open(struct broker *broker, const struct arguments *arguments, struct outcome *out)
{
    if (!arguments->data || arguments->data[0] != '/')
        return fail_with(out, EINVAL, STEP_REQUEST, "--data takes an absolute path");
    if (find_ids(broker, arguments, out))
        return -1;
    if (mkdir(arguments->data, 0711) && errno != EEXIST)
        return fail(out, STEP_REQUEST, "state root");
    broker->data = open(arguments->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat root;
    if (broker->data < 0 || fstat(broker->data, &root))
        return fail(out, STEP_REQUEST, "state root");
    /* Whoever may rename its folders decides what is mounted. */
    if (root.st_uid != 0 || root.st_mode & 022)
        return fail_with(out, EPERM, STEP_REQUEST, "the state root must be root's, and writable by root alone");
    if (!is_reachable(broker, arguments->data))
        return fail_with(out, EACCES, STEP_REQUEST, "a folder above the state root is closed to user %.32s",
                         arguments->user);
    uid_t uid = broker->daemon_uid;
    gid_t gid = broker->daemon_gid;
    if (fchmod(broker->data, 0711) || ensure_folder(broker->data, "modules", 0750, 0, gid) ||
        ensure_folder(broker->data, "uppers", 0700, 0, 0) || ensure_folder(broker->data, "sandboxes", 0750, uid, gid) ||
        ensure_folder(broker->data, "state", 0700, uid, gid) ||
        ensure_folder(broker->data, "staging", 0770, builders_uid(), gid))
        return fail(out, STEP_REQUEST, "folders of the state root");
    return 0;
}

int state_root_lock(const struct broker *broker, struct outcome *out)
{
    int fd = openat(broker->data, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    /* Children of a broker that was just killed share its lock until their own death signal reaches them. */
    int locked = 0;
    for (int tries = 0; fd >= 0 && !locked && tries < 300; tries++) {
        locked = !flock(fd, LOCK_EX | LOCK_NB);
        if (!locked)
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    if (!locked)
        return fail_with(out, EBUSY, STEP_REQUEST, "another squash-broker serves this state root");
    return 0;
}

static int program_open(const char *path, mode_t mode, int *fd, struct outcome *out)
{
    struct stat s;
    *fd = open(path, O_PATH | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &s))
        return fail_with(out, ENOENT, STEP_EXEC, "%.100s", path);
    if (s.st_uid != 0 || (s.st_mode & 07777) != mode)
        return fail_with(out, EPERM, STEP_EXEC, "%.64s must be root's, of mode 0%o", path, mode);
    return 0;
}

int programs_open(struct broker *broker, const struct arguments *arguments, struct outcome *out)
{
    char packer[PATH_MAX];
    if (!arguments->agent)
        return fail_with(out, EINVAL, STEP_EXEC, "--agent is missing");
    const char *slash = strrchr(arguments->agent, '/');
    snprintf(packer, sizeof packer, "%.*ssquash-packer", slash ? (int)(slash + 1 - arguments->agent) : 0,
             arguments->agent);
    /* Security: nobody but root may read it, which is what keeps root inside from tracing PID 1 (ptrace(2), would_dump). */
    if (program_open(arguments->agent, 0711, &broker->agent, out))
        return -1;
    return program_open(arguments->packer ? arguments->packer : packer, 0755, &broker->packer, out);
}
