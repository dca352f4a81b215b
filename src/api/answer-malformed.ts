import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { JSON_TYPE } from './error-reply.ts';
import { writeLine } from './json-line.ts';

const ANSWERS: Readonly<Record<string, { readonly status: number; readonly error: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, error: 'request head too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, error: 'the request did not arrive in time' },
};

/** The answer to bytes that are no HTTP request. The connection ends with it: where the next request would begin is unknown. */
export function answerMalformed(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    // After bytes of an earlier answer, which may be half sent, an error would be read as a part of it.
    socket.destroy();
    return;
  }
  const { status, error: text } = ANSWERS[error.code ?? ''] ?? { status: 400, error: 'malformed request' };
  socket.end(rawAnswer(status, { error: text }));
}

/** A whole HTTP answer that closes the connection, for where there is no response object. */
export function rawAnswer(
  status: number,
  body: { readonly error: string },
  headers: Readonly<Record<string, string>> = {},
): string {
  const text = writeLine(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${JSON_TYPE}`,
    `content-length: ${Buffer.byteLength(text)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}
