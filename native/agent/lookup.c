#include "agent/lookup.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* For an environment without PATH. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *path_of(char **env)
{
    for (; *env; env++)
        if (!strncmp(*env, "PATH=", 5))
            return *env + 5;
    return DEFAULT_PATH;
}

/* Whether a shell would look on in the next folder. */
static bool looks_on(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP || error == ENAMETOOLONG ||
           error == ESTALE;
}

void execute(char **argv, char **env)
{
    char file[PATH_MAX];
    const char *name = argv[0];
    size_t name_length = strlen(name);
    int result = ENOENT;
    if (!*name || strchr(name, '/')) {
        execve(name, argv, env);
        return;
    }
    for (const char *folder = path_of(env);; folder++) {
        const char *end = strchrnul(folder, ':');
        size_t length = (size_t)(end - folder);
        if (length + 1 + name_length < sizeof file) {
            memcpy(file, folder, length);
            /* POSIX: an empty entry is the current folder. */
            file[length] = '/';
            memcpy(file + length + 1, name, name_length + 1);
            execve(length ? file : name, argv, env);
            if (!looks_on(errno))
                return;
            if (errno == EACCES)
                result = EACCES;
        }
        folder = end;
        if (!*folder)
            break;
    }
    errno = result;
}
