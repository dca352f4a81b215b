#include "agent/source.h"

#include "agent/connection.h"

#include <errno.h>

enum source_state next_piece(struct inbox *inbox, struct frame *piece)
{
    if (receive_frame(inbox, FRAME_PAYLOAD_MAX, NO_DEADLINE, piece))
        return errno == EPROTO ? SOURCE_BAD : SOURCE_LOST;
    if (piece->type == FRAME_DATA && piece->length)
        return SOURCE_DATA;
    return piece->type == FRAME_END && !piece->length ? SOURCE_END : SOURCE_BAD;
}
