import { SandboxError } from '../../domain/errors.ts';
import { settlesWithin } from '../../lib/deadline.ts';
import type { ExecOptions, ExecRequest, ExitReport, MachineProcess, OutputStream } from '../runtime.ts';
import { AgentConnection, type ConnectAgent } from './connection.ts';
import { execError } from './failures.ts';
import { FRAME, type Frame } from './frames.ts';
import { InputWindow } from './input-window.ts';
import { claimRefused, parseError, parseExited, parseStarted, parseStdinTaken } from './replies.ts';
import { encodeExec, encodeKillTree, encodeResize, encodeSignal } from './requests.ts';

/** Until STARTED: the agent's own deadline for a request is 5 s, and a loaded machine needs a moment more. */
const START_TIMEOUT_MS = 10_000;
/** How long disposing waits for the tree to be gone; the agent gives up on it after 200 ms. */
const DISPOSE_TIMEOUT_MS = 500;

/** A command behind one connection to an agent. */
export class AgentProcess implements MachineProcess {
  readonly exited: Promise<ExitReport>;
  readonly #request: ExecRequest;
  readonly #onOutput: ExecOptions['onOutput'];
  readonly #connection: AgentConnection;
  readonly #input: InputWindow;
  readonly #started = Promise.withResolvers<this>();
  readonly #ended = Promise.withResolvers<ExitReport>();
  readonly #received = { stdout: 0, stderr: 0 };
  #supervisorPid = 0;
  #isDisposed = false;

  /** @throws INVALID_ARGUMENT when the request does not fit into a frame */
  constructor(connect: ConnectAgent, request: ExecRequest, { onOutput }: ExecOptions) {
    const frame = encodeExec(request);
    this.#request = request;
    this.#onOutput = onOutput;
    this.exited = this.#ended.promise;
    // Whoever started it may look later, or never.
    this.exited.catch(() => {});
    this.#connection = new AgentConnection(connect, {
      onFrame: (each) => this.#take(each),
      onLost: (error) => this.#fail(error),
    });
    this.#input = new InputWindow((each) => this.#connection.send(each));
    this.#connection.expectWithin(START_TIMEOUT_MS);
    this.#connection.send(frame);
  }

  /** Resolves with the process itself once the program runs. */
  get started(): Promise<this> {
    return this.#started.promise;
  }

  get supervisorPid(): number {
    return this.#supervisorPid;
  }

  write(data: Uint8Array): Promise<void> {
    if (!this.#request.stdin || this.#input.isEnding)
      return Promise.reject(new SandboxError('INVALID_ARGUMENT', 'Cannot write to command: its input has ended'));
    if (this.#connection.isClosed) return this.exited.then(() => {});
    return this.#input.write(data);
  }

  resize(size: { readonly rows: number; readonly columns: number }): void {
    if (this.#request.pty !== undefined) this.#connection.send(encodeResize(size));
  }

  signal(signal: number): void {
    this.#connection.send(encodeSignal(signal));
  }

  kill(): void {
    this.#connection.send(encodeKillTree());
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    if (!this.#connection.isClosed) {
      this.kill();
      this.resume();
      await settlesWithin(this.exited, DISPOSE_TIMEOUT_MS);
    }
    this.#connection.lose('the command was let go');
  }

  #take(frame: Frame): void {
    if (frame.type === FRAME.ERROR) this.#refused(frame.payload);
    else if (this.#supervisorPid !== 0) this.#takeRunning(frame);
    else if (frame.type === FRAME.STARTED) this.#start(frame.payload);
    else throw claimRefused('a frame');
  }

  #takeRunning({ type, payload }: Frame): void {
    if (type === FRAME.STDOUT) this.#hand('stdout', payload);
    else if (type === FRAME.STDERR) this.#hand('stderr', payload);
    else if (type === FRAME.STDIN_TAKEN) this.#input.take(parseStdinTaken(payload));
    else if (type === FRAME.EXITED) this.#end(parseExited(payload));
    else throw claimRefused('a frame');
  }

  #start(payload: Buffer): void {
    this.#supervisorPid = parseStarted(payload).supervisorPid;
    this.#connection.met();
    this.#started.resolve(this);
  }

  #hand(stream: OutputStream, data: Buffer): void {
    this.#received[stream] += data.length;
    const limit = this.#request.forwardLimitBytes;
    if (limit > 0 && this.#received[stream] > limit) throw claimRefused('output beyond the limit');
    if (!this.#isDisposed) this.#onOutput(stream, data);
  }

  #end(report: ExitReport): void {
    if (report.stdoutBytes < this.#received.stdout || report.stderrBytes < this.#received.stderr)
      throw claimRefused('a number');
    this.#connection.close();
    this.#input.close();
    this.#ended.resolve(report);
  }

  #refused(payload: Buffer): void {
    const error = execError(parseError(payload), this.#request);
    this.#connection.close();
    this.#fail(error);
  }

  #fail(error: SandboxError): void {
    this.#input.close(error);
    this.#started.reject(error);
    this.#ended.reject(error);
  }
}
