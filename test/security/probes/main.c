#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*attempt)(char **words);
} attempts[] = {
    { "call", try_call },     { "be-root", try_be_root },         { "read", try_read },
    { "write", try_write },   { "rewrite", try_rewrite },         { "connect", try_connect },
    { "attach", try_attach }, { "read-memory", try_read_memory }, { "handle", try_handle },
    { "i386", try_i386 },     { "nft-table", try_nft_table },     { "terminals", try_terminals },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(argv[1], attempts[i].name))
            continue;
        int result = attempts[i].attempt(argv + 2);
        /* Raw, so that nothing is said twice when the attempt has forked. */
        const char *answer = result < 0 ? strerrorname_np(errno) : result > 0 ? "EOF" : "OK";
        dprintf(STDOUT_FILENO, "%s\n", answer ? answer : "?");
        return 0;
    }
    fprintf(stderr, "no such attempt\n");
    return 2;
}
