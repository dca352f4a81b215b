#include "process-time.h"

#include "beneath.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned long long process_start_time(pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_knob(AT_FDCWD, path, text, sizeof text) <= 0)
        return 0;
    /* The second field is the program's name in parentheses and may hold anything; starttime is the 22nd field. */
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}
