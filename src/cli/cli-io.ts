import { once } from 'node:events';

/** A place to write to: stdout, stderr, or a test's buffer. */
export interface Sink {
  write(data: string | Uint8Array): boolean;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Everything that the CLI touches of the process that it runs in. */
export interface CliIo {
  /** Paths of the program, or of the link to it that was used. */
  readonly calledAs: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves when there is room for more: output of a command waits for a slow terminal instead of filling the memory. */
export async function writeTo(sink: Sink, data: string | Uint8Array): Promise<void> {
  if (!sink.write(data)) await once(sink as NodeJS.EventEmitter & Sink, 'drain');
}
