/* What the packer is about to report. */
#pragma once
#include "packer/report.h"

extern struct pack_report report;

/* Notes the first failure; later ones are its consequences. Returns -1. */
int fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
