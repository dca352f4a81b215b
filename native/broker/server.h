/* The resident broker: one loop, and processes that do what takes time. */
#pragma once
#include "broker.h"
#include "starter.h"

#include <sys/types.h>

#define WORKERS 64
#define STOP_MS 10000         /* what a daemon gets to end by itself */
#define OUTPUT_MAX (1u << 20) /* a daemon that lets this much pile up does not read: it is ended */

enum machine_state {
    MACHINE_FREE,
    MACHINE_PREPARING, /* its starter is not ready; start.label says whether somebody waits for it */
    MACHINE_READY,
    MACHINE_STARTING,
    MACHINE_RUNNING,
    MACHINE_ENDING, /* killed; its end is awaited */
    MACHINE_DEAD,   /* nothing of it runs; waits for a worker that removes what is left */
    MACHINE_CLEANING,
    MACHINE_STUCK /* could not be cleaned: not lent again; the next broker tries once more */
};

/* One slot, whatever it is used for. */
struct machine {
    enum machine_state state;
    int wanted; /* a start request waits in `request` */
    uint32_t start_id;
    uint32_t stop_id;
    key_t8 label;
    key_t8 upper;
    int is_restacking; /* or was when it was cut off: nobody knows which of the two uppers it has */
    key_t8 next_upper;
    pid_t starter;
    int channel;
    pid_t pid; /* PID 1 */
    int pidfd;
    struct starter_report failure; /* of a start that did not succeed, told after cleaning */
    struct start_request *request;
    uint64_t deadline_ms; /* of its starter */
};

struct worker {
    pid_t pid; /* 0: free */
    int pipe;
    uint16_t op; /* 0: the broker's own errand */
    uint32_t id;
    unsigned slot; /* of an errand */
    int keyed;     /* whether `key` is held against other operations on the same object */
    uint8_t key[33];
    uint64_t deadline_ms;
    unsigned generation;
};

struct server {
    struct broker broker;
    char *const *command; /* of the daemon */
    unsigned ready_wanted;
    uint64_t refill_at_ms; /* when what was taken is replaced; 0: nothing is to be */
    int ready_paused; /* a starter could not be prepared; the next start that succeeds says that it is worth trying */
    int epoll;
    int signals;
    int stopping;
    int failed;

    pid_t daemon; /* 0: none runs */
    int connection;
    unsigned generation; /* counts daemons: an answer to an earlier one is dropped */
    int daemon_ready;
    int deaths; /* in a row, before ready */
    uint64_t first_death_ms, spawned_ms, spawn_at_ms, kill_at_ms;
    uint64_t look_at_ms;

    size_t input_length, output_start, output_length;
    int input_paused;
    unsigned char input[WIRE_REQUEST_MAX];
    unsigned char output[OUTPUT_MAX];

    struct machine machines[SLOTS];
    struct worker workers[WORKERS];
};

enum watch { WATCH_SIGNALS, WATCH_DAEMON, WATCH_WORKER, WATCH_STARTER, WATCH_PIDFD };

uint64_t now_ms(void);
int watch(struct server *server, int fd, enum watch kind, unsigned index);
/* Ends the watch and closes the descriptor. */
void unwatch(struct server *server, int fd);
/* Ends a child that nothing else will be heard of: it could not be watched. Keeps errno. */
void end_unwatched(pid_t pid);
/* Reaps children that nobody knows: PID 1 of a sandbox whose starter died before it could tell of it. */
void reap_strays(const struct server *server);
/* In a forked child: gives back what belongs to the loop. */
void leave_loop(struct server *server);

/* serve.c */
int serve(struct server *server);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* connection.c */
void connection_event(struct server *server, uint32_t events); /* of epoll */
void connection_read(struct server *server);
void connection_write(struct server *server);
void connection_close(struct server *server);
void reply(struct server *server, uint16_t op, uint32_t id, const struct wire_outcome *outcome, const void *payload,
           size_t length);
void event_exited(struct server *server, const struct machine *machine);

/* requests.c */
void request_handle(struct server *server, uint16_t op, uint32_t id, const void *body, size_t length);

/* workers.c */
typedef int (*operation)(const struct broker *broker, const void *request, struct outcome *out);
struct errand {
    uint16_t op;
    uint32_t id;
    unsigned slot;
    const uint8_t *key; /* 33 bytes, or NULL */
    operation run;
    const void *request;
    unsigned deadline_ms;
};
/* Runs the operation in a child; returns 0, or -1 with the reason in out. */
int worker_start(struct server *server, const struct errand *errand, struct outcome *out);
void worker_finished(struct server *server, unsigned index);
void workers_check_deadlines(struct server *server);
/* A sandbox that is to end does not wait for its packer; NULL: those of every sandbox. */
void workers_end_captures(struct server *server, const key_t8 *label);
int workers_busy(const struct server *server);
int worker_holds(const struct server *server, const uint8_t key[33]);

/* machines.c */
int machines_adopt(struct server *server, struct outcome *out);
void machines_keep_ready(struct server *server);
/* The same once no start came for a while: it takes a processor from the commands that follow a start. */
void machines_keep_ready_later(struct server *server);
void machine_start_requested(struct server *server, uint32_t id, const struct start_request *request);
void machine_stop_requested(struct server *server, uint32_t id, const key_t8 *label);
void machine_starter_spoke(struct server *server, unsigned slot);
void machine_ended(struct server *server, unsigned slot);
void machines_check_deadlines(struct server *server);
/* An operation that freezes the machine is over, well or not; the outcome may get worse. */
void machine_worked(struct server *server, const struct worker *worker, struct wire_outcome *outcome);
void machine_cleaned(struct server *server, unsigned slot, const struct wire_outcome *outcome);
struct machine *machine_of(struct server *server, const key_t8 *label);
/* Whether a machine has this upper: from the moment that it is asked for until nothing of it is left. */
int machine_has_upper(const struct server *server, const key_t8 *upper);
int machines_running(const struct server *server);
void machines_drop_starters(struct server *server);
/* A new daemon must not get the answers to the questions of its predecessor. */
void machines_forget_requests(struct server *server);
/* Gives the dead to workers, as far as workers are free. */
void machines_clean(struct server *server);

/* machine-folder.c: /run/squash/<instance>/machines/<label> */
struct machine_note {
    key_t8 label;
    key_t8 upper;
    unsigned slot;
    pid_t pid; /* 0: half-made, or no longer the process that was noted */
};
int machine_folder_make(const struct broker *broker, const struct machine_note *note, struct outcome *out);
/* Writes the note again, now that its PID 1 is known. */
int machine_folder_update(const struct broker *broker, const struct machine_note *note);
int machine_folder_remove(const struct broker *broker, const key_t8 *label);
/* Calls back for each folder; returns -1 when they cannot be listed. */
int machine_folders_each(const struct broker *broker, void (*each)(void *context, const struct machine_note *note),
                         void *context);

/* supervise.c */
void daemon_spawn(struct server *server);
void daemon_died(struct server *server, int status);
void daemon_stop(struct server *server);
void daemon_end_stale(const struct server *server);

/* list.c */
void list_handle(struct server *server, uint32_t id, const struct list_request *request);

/* kill-tree.c */
struct kill_order {
    struct kill_request request;
    unsigned slot;
    pid_t init;
};
int kill_tree(const struct broker *broker, const void *order, struct outcome *out);
/* Kills every member of a slot's groups and waits until they are gone. */
int kill_members(const struct broker *broker, const char *slot);
