#include "agent/file-request.h"

#include "common/cursor.h"

/* The rest of a payload: no NUL in it, none behind it. */
static bool take_path(struct cursor *cursor, char path[PATH_MAX])
{
    size_t length = cursor_left(cursor);
    if (cursor->bad || length == 0 || length >= PATH_MAX || memchr(cursor->at, 0, length))
        return false;
    memcpy(path, cursor->at, length);
    path[length] = 0;
    return true;
}

bool parse_file_read(const struct frame *frame, char path[PATH_MAX])
{
    struct cursor cursor = cursor_over(frame->payload, frame->length);
    return take_path(&cursor, path);
}

bool parse_file_write(const struct frame *frame, struct file_write_request *request)
{
    struct cursor cursor = cursor_over(frame->payload, frame->length);
    request->mode = take_u32(&cursor);
    request->uid = take_u32(&cursor);
    request->gid = take_u32(&cursor);
    return take_path(&cursor, request->path) && !(request->mode & ~07777u);
}

bool parse_tar_write(const struct frame *frame, struct tar_write_request *request)
{
    struct cursor cursor = cursor_over(frame->payload, frame->length);
    request->uid = take_u32(&cursor);
    request->gid = take_u32(&cursor);
    return take_path(&cursor, request->path);
}
