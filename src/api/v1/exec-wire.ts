/**
 * What goes over the WebSocket of `GET /v1/sandboxes/:id/exec`. Unstable.
 *
 * The client's first message is an `ExecStart` as JSON text. Then text messages are JSON of the two unions below, and a binary message is
 * one byte that names the stream, then bytes of it. A client may have `STDIN_WINDOW_BYTES` of stdin under way; the server gives room back
 * with `window` as the command takes them. (Pausing the socket instead would hold up a Ctrl-C behind a paste.)
 */
export interface ExecStart {
  /** At least one word. */
  readonly argv: readonly string[];
  /** Added to the sandbox's own environment. @default {{}} */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute. @default {"/"} */
  readonly workdir?: string;
  /** @default {{ uid: 0, gid: 0 }} */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** A terminal in place of three pipes. @default {null} */
  readonly pty?: { readonly rows: number; readonly columns: number } | null;
  /** Whether stdin will be sent; else the command reads end of file. @default {false} */
  readonly stdin?: boolean;
}

export type ExecClientMessage =
  | { readonly type: 'resize'; readonly rows: number; readonly columns: number }
  /** To the command's process group. */
  | { readonly type: 'signal'; readonly signal: number }
  /** End of stdin. */
  | { readonly type: 'eof' };

export type ExecServerMessage =
  | { readonly type: 'started' }
  | { readonly type: 'window'; readonly bytes: number }
  /** The last message: the command and its whole tree are gone. `signal` is 0 when it ended by itself. */
  | { readonly type: 'exit'; readonly exitCode: number; readonly signal: number }
  /** The last message: it did not start, or was lost. */
  | { readonly type: 'error'; readonly error: string; readonly code: string };

/** First byte of a binary message. */
export const STREAM = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** Bytes of stdin that a client may have under way. */
export const STDIN_WINDOW_BYTES = 256 * 1024;

/** Of one message in either direction. */
export const MESSAGE_MAX_BYTES = 1024 * 1024;

/** A binary message. */
export function packStream(stream: keyof typeof STREAM, data: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = STREAM[stream];
  message.set(data, 1);
  return message;
}
