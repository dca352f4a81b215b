#include "tree.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int words;
    int (*run)(char **words);
} verbs[] = {
    { "walk", 1, walk },          { "attribute", 3, make_attribute }, { "deep", 3, make_deep },
    { "many", 2, make_many },     { "modes", 1, make_modes },         { "owners", 2, make_owners },
    { "socket", 1, make_socket }, { "time", 3, make_time },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) || argc != 2 + verbs[i].words)
            continue;
        if (!verbs[i].run(argv + 2))
            return fflush(stdout) != 0;
        perror(argv[1]);
        return 1;
    }
    fprintf(stderr, "no such verb, or other words\n");
    return 2;
}
