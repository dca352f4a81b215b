import type { SandboxError } from '../../domain/errors.ts';
import { AgentConnection, type ConnectAgent } from './connection.ts';
import { FRAME, type Frame } from './frames.ts';
import { type AgentFailure, claimRefused, parseError } from './replies.ts';

/** Frames that are kept for a reader who is behind; the socket is paused beyond. */
const AHEAD_MAX_FRAMES = 4;

export interface CallOptions {
  /** The user's error for what the agent answers with ERROR. */
  readonly toError: (failure: AgentFailure) => SandboxError;
}

/** A verb that is a conversation: frames are asked for one after the other. Disposing it ends the connection. */
export class AgentCall implements AsyncDisposable {
  readonly #connection: AgentConnection;
  readonly #options: CallOptions;
  readonly #ahead: Frame[] = [];
  #error: SandboxError | undefined;
  #wake: (() => void) | undefined;

  constructor(connect: ConnectAgent, options: CallOptions) {
    this.#options = options;
    this.#connection = new AgentConnection(connect, {
      onFrame: (frame) => this.#take(frame),
      onLost: (error) => this.#fail(error),
    });
  }

  /** Why the call is over, if it failed. */
  get error(): SandboxError | undefined {
    return this.#error;
  }

  send(bytes: Buffer): void {
    this.#connection.send(bytes);
  }

  /** Resolves when there is room to send more, or the call is over. The agent must make room in time. */
  async drained(timeoutMs: number): Promise<void> {
    this.#connection.expectWithin(timeoutMs);
    await this.#connection.drained();
    this.#connection.met();
  }

  /** The next frame. @throws what ERROR says, or AGENT_FAILED */
  async next(timeoutMs: number): Promise<Frame> {
    while (this.#ahead.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      this.#connection.expectWithin(timeoutMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const frame = this.#ahead.shift() as Frame;
    if (this.#ahead.length < AHEAD_MAX_FRAMES) this.#connection.resume();
    return frame;
  }

  /** @throws what ERROR says, or AGENT_FAILED */
  async expectOk(timeoutMs: number): Promise<void> {
    const frame = await this.next(timeoutMs);
    if (frame.type !== FRAME.OK || frame.payload.length > 0) throw claimRefused('a frame');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  #take(frame: Frame): void {
    this.#connection.met();
    if (frame.type === FRAME.ERROR) {
      const error = this.#options.toError(parseError(frame.payload));
      this.#connection.close();
      this.#fail(error);
      return;
    }
    this.#ahead.push(frame);
    if (this.#ahead.length >= AHEAD_MAX_FRAMES) this.#connection.pause();
    this.#wakeReader();
  }

  #fail(error: SandboxError): void {
    this.#error = error;
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
