/* Running the packer where it can do nothing but pack. */
#pragma once
#include "broker.h"
#include "packer/report.h"
#include "wire.h"

struct packing {
    const struct broker *broker;
    const struct capture_request *request;
    int userns;        /* with the ids of the sandbox */
    const char *image; /* an empty file of the mapped root's, below the state root */
    uint64_t size_max; /* of the image, in bytes */
};

/* Returns when the packer and all that it started are gone; 0, or -1 after fail(). Its report is a claim. */
int packing_run(const struct packing *packing, struct pack_report *report, struct outcome *out);
