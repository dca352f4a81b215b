/*
 * What the probe does where it is put in the place of squash-packer: what the sandbox asks for, whose writable layer is the first
 * folder, in its file /attempt. It tells what came of it in the way of a packer that fails.
 */
#include "packer/report.h"
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 16

static char *folder, *image;

static void report(int error, const char *text)
{
    struct pack_report said = { .error = error };
    snprintf(said.text, sizeof said.text, "%s", text);
    if (write(REPORT_DESCRIPTOR, &said, sizeof said) != (ssize_t)sizeof said)
        _exit(2);
}

static void put_image(const char *from)
{
    char bytes[1 << 16];
    int in = openat(open(folder, O_PATH | O_DIRECTORY), from, O_RDONLY), out = open(image, O_WRONLY);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        if (write(out, bytes, (size_t)n) != n)
            _exit(2);
}

/* Until that is refused; a report of the error, and of how much it took. */
static void fill_image(void)
{
    static char bytes[1 << 20];
    char text[32];
    int out = open(image, O_WRONLY), mebibytes = 0;
    while (write(out, bytes, sizeof bytes) > 0)
        mebibytes++;
    int error = errno;
    snprintf(text, sizeof text, "%d MiB", mebibytes);
    report(error, text);
}

static void leave_children(void)
{
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            setsid();
            if (fork() == 0)
                fork();
            for (;;)
                pause();
        }
}

static void lie(void)
{
    struct pack_report said = { 0 };
    for (int i = 0; i < LOST_COUNT; i++)
        said.lost[i] = ~0ull >> i;
    put_image("good");
    memset(said.text, 0xff, sizeof said.text);
    if (write(REPORT_DESCRIPTOR, &said, sizeof said) != (ssize_t)sizeof said)
        _exit(2);
}

static int do_as_asked(const char *what)
{
    if (!strcmp(what, "say nothing"))
        return 0;
    if (!strcmp(what, "say half"))
        return write(REPORT_DESCRIPTOR, what, 5) != 5;
    if (!strcmp(what, "lie"))
        return lie(), 0;
    if (!strcmp(what, "curse"))
        return report(EIO, "a\x1b[31mb\r\n\tc\x7f\xc3\xa4%s%n\""), 0;
    if (!strcmp(what, "other error"))
        return report(-12345, "no error of any kernel"), 0;
    if (!strcmp(what, "good image"))
        return put_image("good"), report(0, ""), 0;
    if (!strcmp(what, "bad image"))
        return put_image("attempt"), report(0, ""), 0;
    if (!strcmp(what, "empty image"))
        return report(0, ""), 0;
    if (!strcmp(what, "endless image"))
        return fill_image(), 0;
    if (!strcmp(what, "leave children"))
        return leave_children(), report(EIO, "children are left"), 0;
    if (!strcmp(what, "report and hang"))
        report(0, "");
    if (!strcmp(what, "children and hang"))
        leave_children();
    for (;;)
        pause();
}

int be_planted(char **arguments)
{
    char text[512], *words[WORDS_MAX + 1] = { 0 };
    size_t count = 0;
    image = arguments[1];
    folder = arguments[2];
    int file = openat(open(folder, O_PATH | O_DIRECTORY), "attempt", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    if (length < 0)
        return report(errno, "attempt"), 1;
    text[length] = 0;
    text[strcspn(text, "\n")] = 0;
    if (strncmp(text, "try ", 4))
        return do_as_asked(text);
    for (char *word = strtok(text + 4, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    const char *answer = answer_to(words);
    return report(EIO, answer ? answer : "no such attempt"), 0;
}
