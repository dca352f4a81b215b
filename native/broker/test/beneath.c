/* What a less privileged program may have prepared below a folder. */
#include "broker/beneath.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char path[64];
    int folder; /* "in" of it; "out" is beside */
};

static void write_text(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static struct place prepare(void)
{
    struct place place = { .path = "/tmp/squash-beneath-XXXXXX" };
    CHECK(mkdtemp(place.path));
    int top = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(!mkdirat(top, "in", 0755) && !mkdirat(top, "out", 0755) && !mkdirat(top, "in/folder", 0755));
    write_text(top, "out/secret", "secret");
    write_text(top, "in/file", "file");
    write_text(top, "in/folder/file", "file");
    place.folder = openat(top, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(!symlinkat("file", place.folder, "link-inside"));
    CHECK(!symlinkat("../out/secret", place.folder, "link-out"));
    CHECK(!symlinkat("/etc/passwd", place.folder, "link-absolute"));
    CHECK(!symlinkat("folder", place.folder, "link-folder"));
    CHECK(!symlinkat("../out", place.folder, "link-folder-out"));
    CHECK(!symlinkat("/proc/self/root", place.folder, "link-magic"));
    close(top);
    return place;
}

static void forget(struct place *place)
{
    static const char *const names[] = { "link-inside",     "link-out",   "link-absolute", "link-folder",
                                         "link-folder-out", "link-magic", "file",          "folder/file" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(!unlinkat(place->folder, names[i], 0));
    CHECK(!unlinkat(place->folder, "folder", AT_REMOVEDIR));
    CHECK(!unlinkat(place->folder, "../out/secret", 0));
    CHECK(!unlinkat(place->folder, "../out", AT_REMOVEDIR));
    CHECK(!unlinkat(place->folder, "../in", AT_REMOVEDIR));
    CHECK(!rmdir(place->path));
    close(place->folder);
}

static int opens(int folder, const char *path)
{
    int fd = open_beneath(folder, path, O_RDONLY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void test_opening(const struct place *place)
{
    static const char *const refused[] = { "../out/secret",
                                           "folder/../../out/secret",
                                           "link-inside",
                                           "link-out",
                                           "link-absolute",
                                           "link-folder/file",
                                           "/etc/passwd",
                                           "link-magic/etc/passwd",
                                           "link-folder-out/secret",
                                           ".." };
    CHECK(opens(place->folder, "file") && opens(place->folder, "folder/file") &&
          opens(place->folder, "folder/../file"));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK(!opens(place->folder, refused[i]));
        CHECK(errno == EXDEV || errno == ELOOP);
    }
    CHECK(!opens(place->folder, "missing") && errno == ENOENT);
    int fd = open_beneath(place->folder, "link-out", O_WRONLY | O_CREAT, 0600);
    CHECK(fd < 0);
}

static void test_opening_in_root(const struct place *place)
{
    CHECK(open_in_root(place->folder, "link-absolute", O_PATH) < 0 && errno == ELOOP);
    CHECK(open_in_root(place->folder, "link-folder", O_PATH) < 0 && errno == ELOOP);
    CHECK(open_in_root(place->folder, "../../../out/secret", O_PATH) < 0 && errno == ENOENT);
    int fd = open_in_root(place->folder, "/../folder/file", O_PATH);
    CHECK(fd >= 0);
    close(fd);
}

static void test_folders(const struct place *place)
{
    struct stat s;
    CHECK(!ensure_folder(place->folder, "made", 0750, getuid(), getgid()));
    CHECK(!fstatat(place->folder, "made", &s, 0) && S_ISDIR(s.st_mode) && (s.st_mode & 07777) == 0750);
    CHECK(!ensure_folder(place->folder, "made", 0700, getuid(), getgid()));
    CHECK(!fstatat(place->folder, "made", &s, 0) && (s.st_mode & 07777) == 0700);
    CHECK(ensure_folder(place->folder, "link-folder-out", 0700, getuid(), getgid()) < 0);
    CHECK(!fstatat(place->folder, "../out", &s, 0) && (s.st_mode & 07777) == 0755);
    CHECK(ensure_folder(place->folder, "file", 0700, getuid(), getgid()) < 0);
    CHECK(!unlinkat(place->folder, "made", AT_REMOVEDIR));
}

static void test_durable_files(const struct place *place)
{
    char text[32];
    struct stat s;
    gid_t group = getgid();
    if (geteuid() != 0)
        return; /* it makes the file root's */
    CHECK(!write_file_durably(place->folder, "link-out", "mine", 4, 0440, group));
    CHECK(!fstatat(place->folder, "link-out", &s, AT_SYMLINK_NOFOLLOW) && S_ISREG(s.st_mode) &&
          (s.st_mode & 07777) == 0440);
    CHECK(read_knob(place->folder, "link-out", text, sizeof text) == 4 && !strcmp(text, "mine"));
    CHECK(read_knob(place->folder, "../out/secret", text, sizeof text) == 6 && !strcmp(text, "secret"));
    CHECK(write_file_durably(place->folder, "folder", "mine", 4, 0440, group) < 0 && errno == EISDIR);
    CHECK(read_knob(place->folder, "file", text, 3) == 2 && !strcmp(text, "fi"));
}

void test_beneath(void)
{
    struct place place = prepare();
    test_opening(&place);
    test_opening_in_root(&place);
    test_folders(&place);
    test_durable_files(&place);
    forget(&place);
}
