/* Folder to tar. */
#pragma once

/*
 * Sends everything below an open folder through the sink: ustar with PAX headers where a value does not fit, names
 * relative to the folder.
 * Links are not followed; other file systems (/proc) are not entered; sockets are left out, a tar cannot hold them.
 * Returns 0, an errno, or SINK_LOST. Takes the descriptor.
 */
int send_tar(int folder);
