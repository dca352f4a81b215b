/*
 * squash-broker: the one program of Squash that is root.
 *
 *   squash-broker serve --data DIR --agent PATH [--packer PATH] [--pool PATH] --uid-base N [--ready N] [--user U] [--group G] -- DAEMON [ARG…]
 *   squash-broker publish --data DIR STAGED NAME --digest HEX [--replace]
 *   squash-broker verify --data DIR --digest HEX
 *   squash-broker probe
 */
#include "beneath.h"
#include "confine.h"
#include "layers.h"
#include "pool.h"
#include "probe.h"
#include "run-folder.h"
#include "server.h"
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UID_BASE_MIN 65536u

static struct server server;

static int failed(const char *what, const struct outcome *out)
{
    say("cannot %s: %s: %s (%s)", what, step_text(out->wire.step), out->wire.text, strerror((int)out->wire.error));
    return 1;
}

static void count_machine(void *count, const struct machine_note *note)
{
    (void)note;
    ++*(int *)count;
}

/* A start that failed leaves what an earlier broker's machines need, and nothing when there are none. */
static void give_back(struct broker *broker)
{
    int machines = 0;
    if (broker->run < 0 || machine_folders_each(broker, count_machine, &machines) || machines)
        return;
    cgroups_close(&broker->cgroups);
    run_folder_remove(broker);
    id_block_release(broker);
}

static int run_serve(const struct arguments *arguments)
{
    struct broker *broker = &server.broker;
    struct outcome out = { 0 };
    if (!arguments->word_count || arguments->command[0][0] != '/') {
        say("serve takes the daemon's command after --, by its absolute path");
        return 2;
    }
    if (arguments->uid_base < UID_BASE_MIN) {
        say("--uid-base %u is below %u: the ids of the host's own root, services and people", arguments->uid_base,
            UID_BASE_MIN);
        return 2;
    }
    broker->run = broker->pool = -1;
    server.command = arguments->command;
    server.ready_wanted = arguments->ready;
    if (state_root_open(broker, arguments, &out) || state_root_lock(broker, &out) || instance_name(broker, &out) ||
        programs_open(broker, arguments, &out) || cgroups_open(&broker->cgroups, broker->instance, &out) ||
        run_folder_open(broker, &out) || pool_open(broker, arguments->pool, &out) ||
        id_block_take(broker, arguments->uid_base, &out) || confine_broker(&out))
        return give_back(broker), failed("serve", &out);
    return serve(&server);
}

static int run_publish(const struct arguments *arguments)
{
    struct broker *broker = &server.broker;
    struct publish_request request = { .flags = arguments->replace ? FLAG_REPLACE : 0 };
    struct outcome out = { 0 };
    struct stat sidecar;
    char path[160];
    if (arguments->word_count != 2 || !arguments->digest || strlen(arguments->digest) != 64 ||
        unhex(arguments->digest, request.digest.bytes, 32) || !staged_name_is_valid(arguments->words[0]) ||
        !layer_name_is_valid(arguments->words[1])) {
        say("publish takes STAGED ([a-z0-9-]), NAME (NNN-name) and --digest of 64 hex digits");
        return 2;
    }
    strcpy(request.staged, arguments->words[0]);
    strcpy(request.layer, arguments->words[1]);
    if (state_root_open(broker, arguments, &out))
        return failed("publish", &out);
    snprintf(path, sizeof path, "staging/%s.json", request.staged);
    if (fstatat(broker->data, path, &sidecar, AT_SYMLINK_NOFOLLOW) == 0)
        request.sidecar_bytes = (uint32_t)sidecar.st_size;
    if (layer_publish(broker, &request, &out))
        return out.wire.error == EEXIST ? (failed("publish", &out), 5) : failed("publish", &out);
    return 0;
}

/* Reads a layer again, whatever was found before. Exit code 6: its bytes are not those of the digest. */
static int run_verify(const struct arguments *arguments)
{
    struct broker *broker = &server.broker;
    struct outcome out = { 0 };
    digest_t digest;
    if (arguments->word_count || !arguments->digest || strlen(arguments->digest) != 64 ||
        unhex(arguments->digest, digest.bytes, 32)) {
        say("verify takes --digest of 64 hex digits");
        return 2;
    }
    if (state_root_open(broker, arguments, &out) || layer_verify(broker, &digest, &out))
        return failed("verify", &out), out.wire.error == EBADMSG ? 6 : 1;
    return 0;
}

/* Or the state root would be opened as descriptor 2, and what is said to people be written to it. */
static int fill_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    const char *verb = argc > 1 ? argv[1] : "";
    umask(077);
    if (fill_standard_descriptors())
        return 1;
    if (!strcmp(verb, "probe"))
        return probe_print();
    if (strcmp(verb, "serve") && strcmp(verb, "publish") && strcmp(verb, "verify")) {
        say("usage: squash-broker serve|publish|verify|probe …");
        return 2;
    }
    if (geteuid() != 0) {
        say("%s must be run by root", verb);
        return 1;
    }
    if (arguments_parse(argc - 1, argv + 1, &arguments))
        return 2;
    if (!strcmp(verb, "verify"))
        return run_verify(&arguments);
    return !strcmp(verb, "serve") ? run_serve(&arguments) : run_publish(&arguments);
}
