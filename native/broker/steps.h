/*
 * The step that failed, as replies name it. The numbers are wire format (PROTOCOL.md): append, never reorder.
 * src/runtime/namespace/steps.ts carries the same names; a test compares the two.
 */
#pragma once

/* clang-format off */
#define BROKER_STEPS(X)                                                                                      \
    X(0, NONE, "")                                                                                           \
    X(1, REQUEST, "check the request")                                                                       \
    X(2, STAGED, "take over the staged file")                                                                \
    X(3, DIGEST, "compare the digest")                                                                       \
    X(4, STORE, "put the file into the store")                                                               \
    X(5, SIDECAR, "write the sidecar")                                                                       \
    X(6, LAYER, "open the layer")                                                                            \
    X(7, LOOP, "attach a loop device")                                                                       \
    X(8, MOUNT, "mount the image")                                                                           \
    X(9, UNMOUNT, "unmount")                                                                                 \
    X(10, RESERVE, "keep free space on the host")                                                            \
    X(11, ALLOCATE, "allocate the image")                                                                    \
    X(12, MKFS, "make the file system")                                                                      \
    X(13, UPPER, "open the upper")                                                                           \
    X(14, SLOT, "find a free slot")                                                                          \
    X(15, CGROUP, "make the cgroup")                                                                         \
    X(16, LIMITS, "put the limits in force")                                                                 \
    X(17, NAMESPACES, "make the namespaces")                                                                 \
    X(18, USERNS, "make the user namespace")                                                                 \
    X(19, SOCKET, "make the agent's socket")                                                                 \
    X(20, FORK, "start PID 1")                                                                               \
    X(21, LOWERDIR, "map a layer")                                                                           \
    X(22, UPPERDIR, "map the upper")                                                                         \
    X(23, OVERLAY, "stack the overlay")                                                                      \
    X(24, MOUNTPOINT, "find the mount point")                                                                \
    X(25, PROC, "mount /proc")                                                                               \
    X(26, DEV, "make /dev")                                                                                  \
    X(27, SYS, "make /sys")                                                                                  \
    X(28, MASK, "mask a path")                                                                               \
    X(29, PIVOT, "change the root")                                                                          \
    X(30, ETC, "write /etc")                                                                                 \
    X(31, SYSCTL, "close nested user namespaces")                                                            \
    X(32, CAPABILITIES, "drop capabilities")                                                                 \
    X(33, SECCOMP, "install the seccomp filter")                                                             \
    X(34, EXEC, "run the agent")                                                                             \
    X(35, MACHINE, "find the machine")                                                                       \
    X(36, FREEZE, "freeze the sandbox")                                                                      \
    X(37, KILL, "kill processes")                                                                            \
    X(38, WORKER, "run a worker")                                                                            \
    X(39, DEADLINE, "finish in time")                                                                        \
    X(40, UPPER_LAYOUT, "lay out the upper")                                                                 \
    X(41, NETWORK, "bring loopback up")                                                                      \
    X(42, CARRY, "carry /proc, /dev and /sys over")                                                          \
    X(43, RELEASE, "let go of the old root")                                                                 \
    X(44, VIEW, "show the packer what it is to pack")                                                        \
    X(45, PACK, "pack the writable layer")                                                                   \
    X(46, POOL, "open the pool")                                                                             \
    X(47, CLONE, "clone the writable layer")
/* clang-format on */

enum step {
#define X(number, name, text) STEP_##name = number,
    BROKER_STEPS(X)
#undef X
};

/* The words of a step, for people. */
const char *step_text(enum step step);
