import type { Duplex } from 'node:stream';
import { SandboxError } from '../../domain/errors.ts';
import { type Frame, FrameDecoder } from './frames.ts';

/** Starts a connection to an agent; what is written before it stands is sent then. */
export type ConnectAgent = () => Duplex;

export interface ConnectionHandlers {
  /** What it throws ends the connection, as a protocol violation does. */
  readonly onFrame: (frame: Frame) => void;
  /** Called once, unless `close` was called before. */
  readonly onLost: (error: SandboxError) => void;
}

/**
 * One connection to an agent, which is one verb. The agent is taken to be hostile: a frame that cannot be right, silence past a
 * deadline and an early end all lose the connection, and nothing it sends is kept beyond one frame.
 */
export class AgentConnection {
  readonly #socket: Duplex;
  readonly #handlers: ConnectionHandlers;
  readonly #decoder = new FrameDecoder();
  #deadline: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connect: ConnectAgent, handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    this.#socket = connect();
    this.#socket.on('data', (piece) => this.#receive(piece as Buffer));
    this.#socket.on('end', () => this.lose('it closed the connection'));
    this.#socket.on('close', () => this.lose('the connection ended'));
    this.#socket.on('error', (error) => this.lose(error.message, error));
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether the kernel took it at once; if not, wait for `drained`. */
  send(bytes: Buffer): boolean {
    return this.#closed || this.#socket.write(bytes);
  }

  /** Resolves when there is room to send again, or the connection is closed. */
  drained(): Promise<void> {
    if (this.#closed || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#socket.off('drain', settle).off('close', settle);
        resolve();
      };
      this.#socket.on('drain', settle).on('close', settle);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The agent must send something that `met` is called for within so many milliseconds. */
  expectWithin(timeoutMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.lose(`it was silent for ${timeoutMs} ms`), timeoutMs);
  }

  met(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** Ends the connection for a reason; the agent then kills what belongs to it. */
  lose(why: string, cause?: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.onLost(
      cause instanceof SandboxError
        ? cause
        : new SandboxError('AGENT_FAILED', `Cannot talk to agent: ${why}`, { cause }),
    );
  }

  /** Ends the connection; no handler is called from now on. Idempotent. */
  close(): void {
    this.#closed = true;
    this.met();
    this.#socket.destroy();
  }

  #receive(piece: Buffer): void {
    try {
      for (const frame of this.#decoder.push(piece)) {
        if (this.#closed) return;
        this.#handlers.onFrame(frame);
      }
    } catch (error) {
      this.lose(error instanceof Error ? error.message : String(error), error);
    }
  }
}
