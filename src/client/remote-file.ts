import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** A file of a sandbox, or a folder of it as a tar. */
export interface RemoteFile {
  readonly kind: 'file' | 'folder';
  /** Permission bits. */
  readonly mode: number;
  /** Of a file. */
  readonly sizeBytes: number | undefined;
  /** Errs when the connection breaks before the end. */
  readonly content: Readable;
}

/** What the head of an answer says about the file in its body. */
export function readRemoteFile(answer: IncomingMessage): RemoteFile {
  const { headers } = answer;
  const length = headers['content-length'];
  return {
    kind: headers['content-type'] === 'application/x-tar' ? 'folder' : 'file',
    mode: Number.parseInt(String(headers['squash-file-mode']), 8),
    sizeBytes: length === undefined ? undefined : Number(length),
    content: answer,
  };
}
