import type { WebSocket } from 'ws';
import {
  type ExecClientMessage,
  type ExecServerMessage,
  packStream,
  STDIN_WINDOW_BYTES,
  STREAM,
} from '../api/v1/exec-wire.ts';
import { SandboxError } from '../domain/errors.ts';
import { isErrorCode } from './answer-error.ts';

/** Called for each piece of output, in order; a promise holds the command's output up until it settles. */
export type OnOutput = (stream: 'stdout' | 'stderr', data: Buffer) => void | Promise<void>;

export interface RemoteExit {
  /** 128+n for a signal. */
  readonly exitCode: number;
  /** Number of the signal that ended it, or 0. */
  readonly signal: number;
}

/** A live command in a sandbox. Disposing it, or losing the connection, kills its whole tree. */
export class RemoteProcess implements Disposable {
  /** Settles when the command had started; rejects with why it did not. */
  readonly started: Promise<void>;
  /** Settles once the tree is gone and all output was handed over; rejects when the daemon or the connection went away. */
  readonly exited: Promise<RemoteExit>;
  readonly #socket: WebSocket;
  readonly #onOutput: OnOutput;
  readonly #started = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<RemoteExit>();
  #delivery: Promise<void> = Promise.resolve();
  #undelivered = 0;
  #windowBytes = STDIN_WINDOW_BYTES;
  #room = Promise.withResolvers<void>();

  constructor(socket: WebSocket, onOutput: OnOutput) {
    this.#socket = socket;
    this.#onOutput = onOutput;
    this.started = this.#started.promise;
    this.exited = this.#exited.promise;
    // Either may be the only one that is looked at.
    this.started.catch(() => {});
    this.exited.catch(() => {});
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#deliver(data);
      else this.#receive(JSON.parse(data.toString()) as ExecServerMessage);
    });
    // `close` follows every error.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#fail(new SandboxError('DAEMON_UNREACHABLE', 'Cannot follow command: the connection to squashd was lost'));
    });
  }

  /** Resolves when the bytes are under way; waits while the command does not take them. @throws when the command is gone */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; ) {
      while (this.#windowBytes === 0) await Promise.race([this.#room.promise, this.#gone()]);
      const piece = data.subarray(at, at + this.#windowBytes);
      this.#windowBytes -= piece.length;
      at += piece.length;
      this.#socket.send(packStream('stdin', piece));
    }
  }

  /** Ends stdin. */
  end(): void {
    this.#send({ type: 'eof' });
  }

  resize(size: { readonly rows: number; readonly columns: number }): void {
    this.#send({ type: 'resize', ...size });
  }

  /** To the command's process group. */
  signal(signal: number): void {
    this.#send({ type: 'signal', signal });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  async #gone(): Promise<never> {
    await this.exited;
    throw new SandboxError('AGENT_FAILED', 'Cannot write to command: it has ended');
  }

  #deliver(message: Buffer): void {
    const stream = message[0] === STREAM.stderr ? 'stderr' : 'stdout';
    this.#undelivered++;
    this.#socket.pause();
    this.#delivery = this.#delivery.then(async () => {
      await this.#onOutput(stream, message.subarray(1));
      this.#undelivered--;
      if (this.#undelivered === 0) this.#socket.resume();
    });
    this.#delivery.catch((error: unknown) => {
      this.#fail(error);
      this.#socket.terminate();
    });
  }

  #receive(message: ExecServerMessage): void {
    if (message.type === 'started') this.#started.resolve();
    else if (message.type === 'window') {
      this.#windowBytes += message.bytes;
      this.#room.resolve();
      this.#room = Promise.withResolvers();
    } else if (message.type === 'exit') {
      const { exitCode, signal } = message;
      this.#delivery.then(
        () => this.#exited.resolve({ exitCode, signal }),
        (error: unknown) => this.#fail(error),
      );
    } else this.#fail(new SandboxError(isErrorCode(message.code) ? message.code : 'INTERNAL', message.error));
  }

  #send(message: ExecClientMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #fail(error: unknown): void {
    this.#started.reject(error);
    // Output that came before is still handed over.
    this.#delivery.then(
      () => this.#exited.reject(error),
      (cause: unknown) => this.#exited.reject(cause),
    );
  }
}
