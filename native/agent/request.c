#include "agent/request.h"

#include "common/cursor.h"

#define FLAG_PTY 1u
#define FLAG_STDIN 2u
#define NO_ID 0xFFFFFFFFu

/* A count is a u16. Pages that no request reaches are never touched. */
static char *argv_list[UINT16_MAX + 1];
static char *env_list[UINT16_MAX + 1];

static void take_strings(struct cursor *cursor, char **list, size_t count)
{
    for (size_t i = 0; i < count && !cursor->bad; i++)
        list[i] = take_string(cursor);
    list[count] = NULL;
}

static bool is_assignment(const char *entry)
{
    const char *equals = strchr(entry, '=');
    return equals && equals != entry;
}

const char *parse_exec_request(const uint8_t *payload, size_t length, struct exec_request *request)
{
    struct cursor cursor = cursor_over(payload, length);
    uint32_t flags = take_u32(&cursor);
    request->pty = flags & FLAG_PTY;
    request->stdin_is_open = flags & FLAG_STDIN;
    request->uid = take_u32(&cursor);
    request->gid = take_u32(&cursor);
    request->rows = take_u16(&cursor);
    request->columns = take_u16(&cursor);
    request->forward_limit = take_u64(&cursor);
    request->open_files = take_u32(&cursor);
    request->group_count = take_u16(&cursor);
    size_t argv_count = take_u16(&cursor);
    size_t env_count = take_u16(&cursor);
    uint16_t reserved = take_u16(&cursor);
    if (cursor.bad)
        return "the request is too short";
    if (flags & ~(FLAG_PTY | FLAG_STDIN) || reserved)
        return "a reserved field is not zero";
    /* Kernel: setresuid(-1) keeps the id that the caller has: root's. */
    if (request->uid == NO_ID || request->gid == NO_ID)
        return "4294967295 is no user or group";
    if (request->group_count > GROUPS_MAX)
        return "too many groups";
    if (argv_count == 0)
        return "there is no program";
    for (size_t i = 0; i < request->group_count; i++) {
        request->groups[i] = take_u32(&cursor);
        if (request->groups[i] == NO_ID)
            return "4294967295 is no group";
    }
    request->workdir = take_string(&cursor);
    take_strings(&cursor, argv_list, argv_count);
    take_strings(&cursor, env_list, env_count);
    if (cursor.bad)
        return "the request is too short";
    if (cursor_left(&cursor))
        return "the request is too long";
    if (request->workdir[0] != '/')
        return "the workdir is not absolute";
    for (size_t i = 0; i < env_count; i++)
        if (!is_assignment(env_list[i]))
            return "an environment entry is no assignment";
    request->argv = argv_list;
    request->env = env_list;
    return NULL;
}
