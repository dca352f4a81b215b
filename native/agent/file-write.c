#include "agent/connection.h"
#include "agent/file-request.h"
#include "agent/files.h"
#include "agent/resolve.h"
#include "agent/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct target {
    struct file_write_request request;
    int parent;
    char name[NAME_MAX + 1];
    char temporary[32];
};

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int open_temporary(struct target *target)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return -1;
    snprintf(target->temporary, sizeof target->temporary, ".squash-%016llx", (unsigned long long)random);
    return openat(target->parent, target->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Ownership first: it clears set-user-id bits. The folder last: its entry is what makes the file be there. */
static int publish(int fd, const struct target *target)
{
    struct stat existing;
    if (!fstatat(target->parent, target->name, &existing, AT_SYMLINK_NOFOLLOW) && S_ISDIR(existing.st_mode))
        return errno = EISDIR, -1;
    if (fchown(fd, target->request.uid, target->request.gid) || fchmod(fd, target->request.mode) || fsync(fd))
        return -1;
    if (renameat(target->parent, target->temporary, target->parent, target->name))
        return -1;
    int folder = openat(target->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int failed = fsync(folder);
    close(folder);
    return failed;
}

/* Returns 0, an errno, or -1 when nobody is left to be told. */
static int receive_file(struct inbox *inbox, int fd, const struct target *target)
{
    struct frame piece;
    for (;;) {
        switch (next_piece(inbox, &piece)) {
        case SOURCE_DATA:
            if (write_all(fd, piece.payload, piece.length))
                return errno;
            break;
        case SOURCE_END:
            return publish(fd, target) ? errno : 0;
        case SOURCE_LOST:
            return -1;
        case SOURCE_BAD:
            return EPROTO;
        }
    }
}

static void write_target(struct inbox *inbox, struct target *target)
{
    int fd = open_temporary(target);
    if (fd < 0) {
        send_error(errno, STEP_FILE, strerror(errno));
        return;
    }
    int error = receive_file(inbox, fd, target);
    if (error)
        unlinkat(target->parent, target->temporary, 0);
    if (error > 0)
        send_error(error, STEP_FILE, strerror(error));
    else if (error == 0)
        (void)send_frame(FRAME_OK, NULL, 0);
}

void serve_file_write(struct inbox *inbox, const struct frame *request)
{
    static struct target target;
    if (!parse_file_write(request, &target.request)) {
        send_error(EINVAL, STEP_REQUEST, "this cannot be a file to write");
        return;
    }
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    target.parent = open_parent_in_root(root, target.request.path, target.name);
    if (target.parent < 0)
        send_error(errno, STEP_FILE, strerror(errno));
    else
        write_target(inbox, &target);
}
