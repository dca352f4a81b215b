/* What the packer says at its end, over descriptor 3: a claim of a program that has read hostile files. */
#pragma once
#include <stdint.h>

#define REPORT_DESCRIPTOR 3

/* What a squashfs that is made from a tar cannot hold, counted per file. */
enum loss { LOST_SOCKETS, LOST_ACCESS_LISTS, LOST_SUBSECOND_TIMES, LOST_TIMES, LOST_ATTRIBUTES, LOST_COUNT };

struct pack_report {
    int32_t error; /* errno, 0: done */
    uint32_t reserved;
    uint64_t lost[LOST_COUNT];
    char text[256]; /* what it was about: a path, or the words of mksquashfs */
};
