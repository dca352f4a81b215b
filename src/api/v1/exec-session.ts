import type { WebSocket } from 'ws';
import { SandboxError } from '../../domain/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { ExecOptions, ExecRequest, MachineProcess, OutputStream } from '../../runtime/runtime.ts';
import { toErrorReply } from '../error-reply.ts';
import { parseExecControl, parseExecStart } from './exec-request.ts';
import { type ExecServerMessage, packStream, STDIN_WINDOW_BYTES, STREAM } from './exec-wire.ts';

export interface ExecSessionOptions {
  readonly spawn: (request: ExecRequest, options: ExecOptions) => Promise<MachineProcess>;
  readonly log: Log;
}

/** Output that may wait for a slow client before the command is held up, and what must be left before it goes on. */
const OUTPUT_HIGH_BYTES = 1024 * 1024;
const OUTPUT_LOW_BYTES = 256 * 1024;
const START_DEADLINE_MS = 10_000;

// RFC 6455 §7.4.1
const CLOSE_NORMAL = 1000;
const CLOSE_POLICY = 1008;
const CLOSE_INTERNAL = 1011;

/** One command over one WebSocket (see `exec-wire.ts`). When either side goes, so does the command's whole tree. */
export class ExecSession {
  readonly #socket: WebSocket;
  readonly #options: ExecSessionOptions;
  readonly #gone = Promise.withResolvers<undefined>();
  readonly #startDeadline: NodeJS.Timeout;
  #starting: Promise<MachineProcess> | undefined;
  #process: MachineProcess | undefined;
  /** Output that came in the same breath as the start, and is told after it. */
  #early: { readonly stream: OutputStream; readonly data: Buffer }[] = [];
  #isPaused = false;
  /** Stdin is written in order; controls overtake it. */
  #input: Promise<void> = Promise.resolve();
  #inputIsOpen = false;
  #windowBytes = STDIN_WINDOW_BYTES;

  constructor(socket: WebSocket, options: ExecSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#startDeadline = setTimeout(() => {
      this.#fail(new SandboxError('INVALID_ARGUMENT', `no first message within ${START_DEADLINE_MS / 1000} s`));
    }, START_DEADLINE_MS);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      try {
        this.#receive(data, isBinary);
      } catch (error) {
        this.#fail(error);
      }
    });
    // A frame that breaks the protocol: ws answers with a close of its own, and `close` follows.
    socket.on('error', () => this.#gone.resolve(undefined));
    socket.once('close', () => {
      clearTimeout(this.#startDeadline);
      this.#gone.resolve(undefined);
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#starting === undefined) this.#start(isBinary ? '' : data.toString());
    else if (isBinary) this.#writeInput(data);
    else this.#control(this.#starting, data.toString());
  }

  #start(text: string): void {
    clearTimeout(this.#startDeadline);
    const request = parseExecStart(text);
    this.#inputIsOpen = request.stdin;
    this.#starting = this.#options.spawn(request, { onOutput: (stream, data) => this.#sendOutput(stream, data) });
    this.#watch(this.#starting).catch((error: unknown) => this.#fail(error));
  }

  async #watch(starting: Promise<MachineProcess>): Promise<void> {
    // Disposed on every way out: a command outlives neither its client nor an error.
    await using process = await starting;
    this.#process = process;
    this.#send({ type: 'started' });
    for (const { stream, data } of this.#early.splice(0)) this.#sendOutput(stream, data);
    const report = await Promise.race([process.exited, this.#gone.promise]);
    if (report === undefined) return;
    this.#send({ type: 'exit', exitCode: report.exitCode, signal: report.signal });
    this.#socket.close(CLOSE_NORMAL);
  }

  #control(starting: Promise<MachineProcess>, text: string): void {
    const message = parseExecControl(text);
    if (message.type === 'eof') this.#queueInput(Buffer.alloc(0));
    else
      starting.then(
        (process) => (message.type === 'signal' ? process.signal(message.signal) : process.resize(message)),
        () => {}, // `#watch` tells the client that it did not start.
      );
  }

  #writeInput(message: Buffer): void {
    if (message[0] !== STREAM.stdin) throw new SandboxError('INVALID_ARGUMENT', `invalid stream: ${message[0]}`);
    const data = message.subarray(1);
    // An empty write would end the input.
    if (data.length > 0) this.#queueInput(data);
  }

  #queueInput(data: Buffer): void {
    if (!this.#inputIsOpen) throw new SandboxError('INVALID_ARGUMENT', 'stdin is not open');
    this.#inputIsOpen = data.length > 0;
    this.#windowBytes -= data.length;
    if (this.#windowBytes < 0)
      throw new SandboxError('INVALID_ARGUMENT', `stdin window exceeded: ${STDIN_WINDOW_BYTES} bytes`);
    this.#input = this.#input.then(async () => {
      const process = await this.#starting;
      await process?.write(data);
      this.#windowBytes += data.length;
      if (data.length > 0) this.#send({ type: 'window', bytes: data.length });
    });
    // A write fails when the command is gone or was never there, and that is reported by `#watch`.
    this.#input.catch(() => {});
  }

  #sendOutput(stream: OutputStream, data: Buffer): void {
    if (this.#process === undefined) {
      this.#early.push({ stream, data });
      return;
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(packStream(stream, data), { binary: true }, () => this.#resumeOutput());
    if (this.#isPaused || this.#socket.bufferedAmount <= OUTPUT_HIGH_BYTES) return;
    this.#isPaused = true;
    this.#process.pause();
  }

  #resumeOutput(): void {
    if (!this.#isPaused || this.#socket.bufferedAmount > OUTPUT_LOW_BYTES) return;
    this.#isPaused = false;
    this.#process?.resume();
  }

  #send(message: ExecServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #fail(thrown: unknown): void {
    clearTimeout(this.#startDeadline);
    const { status, code, body } = toErrorReply(thrown, this.#options.log);
    this.#send({ type: 'error', error: body.error, code });
    this.#socket.close(status < 500 ? CLOSE_POLICY : CLOSE_INTERNAL);
    // Not left to the peer's answer to the close, which may never come.
    this.#gone.resolve(undefined);
  }
}
