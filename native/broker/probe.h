#pragma once

/* Tries on this kernel what a sandbox needs and prints a JSON object of `"feature": true|false`; returns the exit code. */
int probe_print(void);
