import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SandboxError } from '../../domain/errors.ts';

const KEPT_LINES = 20;
const GRACE_MS = 10_000;

export interface ChildOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: 'pipe' | 'ignore';
  readonly output?: 'pipe' | 'ignore';
  /** Aborting ends the program. */
  readonly signal: AbortSignal;
  /** Called for each line that it writes to stderr. */
  readonly onLine?: (line: string) => void;
}

export interface ChildEnd {
  /** 128+n for a signal. */
  readonly exitCode: number;
  /** Last lines of stderr. */
  readonly lines: readonly string[];
}

/**
 * A program that builds. Disposing it ends its whole process group, gently at first, and waits until it is gone.
 * It has a session of its own, so that Ctrl-C reaches only us and we decide the order in which things end.
 */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #name: string;
  /** Rejects with TOOL_FAILED when the program cannot be started, or when it was aborted. */
  readonly ended: Promise<ChildEnd>;

  constructor(command: readonly string[], name: string, options: ChildOptions) {
    const [file = '', ...args] = command;
    this.#name = name;
    const lines: string[] = [];
    const child = spawn(file, args, {
      env: { ...options.env },
      cwd: options.cwd ?? '/',
      stdio: [options.input ?? 'ignore', options.output ?? 'ignore', 'pipe'],
      detached: true,
    });
    this.#process = child;
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        options.onLine?.(line);
      });
    const stop = () => this.#kill('SIGTERM');
    options.signal.addEventListener('abort', stop, { once: true });
    this.ended = new Promise<ChildEnd>((resolve, reject) => {
      child.once('error', (cause) => reject(cannotStart(name, cause)));
      child.once('close', (code, signal) => {
        options.signal.removeEventListener('abort', stop);
        if (options.signal.aborted) reject(new SandboxError('TOOL_FAILED', `Cannot go on with ${name}: interrupted`));
        else resolve({ exitCode: code ?? 128 + signalNumber(signal), lines });
      });
    });
    // Whoever awaits `ended` learns of the failure; until then it is nobody's unhandled rejection.
    this.ended.catch(() => {});
    if (options.signal.aborted) stop();
  }

  get stdin(): Writable {
    if (this.#process.stdin === null) throw new Error(`${this.#name} was started without stdin`);
    return this.#process.stdin;
  }

  get stdout(): Readable {
    if (this.#process.stdout === null) throw new Error(`${this.#name} was started without stdout`);
    return this.#process.stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#kill('SIGTERM');
      const force = setTimeout(() => this.#kill('SIGKILL'), GRACE_MS);
      await this.ended.catch(() => {});
      clearTimeout(force);
    }
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // ESRCH: the whole group has ended by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function cannotStart(name: string, cause: Error): SandboxError {
  return new SandboxError('TOOL_FAILED', `Cannot start ${name}: ${cause.message}`, { cause });
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : (constants.signals[signal] ?? 0);
}
