import { SandboxError } from '../../domain/errors.ts';
import type { ExecOptions, ExecRequest, ExitReport, MachineProcess, OutputStream } from '../runtime.ts';
import type { MiniFiles } from './mini-files.ts';
import { PROGRAMS, type ProgramIo } from './mini-programs.ts';
import { Killed, runScript } from './mini-shell.ts';

const SIGKILL = 9;

/** A command of the in-memory runtime. */
export class MemoryProcess implements MachineProcess {
  readonly supervisorPid: number;
  readonly exited: Promise<ExitReport>;
  readonly #tree = new AbortController();
  readonly #ended = Promise.withResolvers<ExitReport>();
  readonly #input = new InputQueue();
  readonly #options: ExecOptions;
  readonly #request: ExecRequest;
  readonly #bytes = { stdout: 0, stderr: 0 };
  #gone = false;

  constructor(request: ExecRequest, options: ExecOptions & { files: MiniFiles; pid: number }) {
    this.supervisorPid = options.pid;
    this.#options = options;
    this.#request = request;
    this.exited = this.#ended.promise;
    // Whoever started it may look later, or never.
    this.exited.catch(() => {});
    if (!request.stdin) this.#input.push(undefined);
    void this.#run(options.files);
  }

  get workdir(): string {
    return this.#request.workdir;
  }

  async write(data: Uint8Array): Promise<void> {
    this.#input.push(data.length === 0 ? undefined : Buffer.from(data));
  }

  resize(): void {}
  pause(): void {}
  resume(): void {}

  signal(signal: number): void {
    this.#end({ exitCode: 128 + signal, signal, strangerKills: 0 });
  }

  kill(): void {
    this.#end({ exitCode: 128 + SIGKILL, signal: SIGKILL, strangerKills: 0 });
  }

  /** As the broker does it, from outside. */
  killFromOutside(): void {
    this.#end({ exitCode: 128 + SIGKILL, signal: SIGKILL, strangerKills: 1 });
  }

  /** As when PID 1 and all else is gone. */
  lose(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#tree.abort();
    this.#ended.reject(new SandboxError('AGENT_FAILED', 'Cannot follow command: the agent is gone'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }

  async #run(files: MiniFiles): Promise<void> {
    // STARTED comes before the first output.
    await Promise.resolve();
    const io: ProgramIo = {
      env: this.#request.env,
      cwd: this.#request.workdir,
      files,
      stdin: this.#input,
      stdout: (data) => this.#put('stdout', data),
      stderr: (data) => this.#put('stderr', data),
      signal: this.#tree.signal,
    };
    try {
      this.#end({ exitCode: await runProgram(this.#request.argv, io), signal: 0, strangerKills: 0 });
    } catch (error) {
      if (error instanceof Killed)
        this.#end({
          exitCode: 128 + error.signal,
          signal: error.signal,
          strangerKills: Number(error.signal === SIGKILL),
        });
      else if (!this.#tree.signal.aborted) this.#ended.reject(error);
    }
  }

  #put(stream: OutputStream, data: Buffer): void {
    if (this.#gone) return;
    const limit = this.#request.forwardLimitBytes || Number.POSITIVE_INFINITY;
    const room = Math.max(0, limit - this.#bytes[stream]);
    this.#bytes[stream] += data.length;
    if (room > 0) this.#options.onOutput(stream, data.subarray(0, room));
  }

  #end(how: Pick<ExitReport, 'exitCode' | 'signal' | 'strangerKills'>): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#tree.abort();
    this.#ended.resolve({
      ...how,
      treeEmpty: true,
      stdoutBytes: this.#bytes.stdout,
      stderrBytes: this.#bytes.stderr,
    });
  }
}

/** Whether the in-memory runtime has a program of this name. */
export function isProgram(name: string): boolean {
  return baseName(name) === 'sh' || baseName(name) in PROGRAMS;
}

async function runProgram(argv: readonly string[], io: ProgramIo): Promise<number> {
  const [name = '', ...args] = argv;
  if (baseName(name) === 'sh') return runScript(args[1] ?? '', io);
  return (await PROGRAMS[baseName(name)]?.(args, io)) ?? 127;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What was written and not yet read; undefined ends it. */
class InputQueue implements AsyncIterable<Buffer> {
  readonly #pieces: (Buffer | undefined)[] = [];
  #wake = Promise.withResolvers<void>();

  push(piece: Buffer | undefined): void {
    this.#pieces.push(piece);
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      while (this.#pieces.length > 0) {
        const piece = this.#pieces.shift();
        if (piece === undefined) return;
        yield piece;
      }
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }
}
