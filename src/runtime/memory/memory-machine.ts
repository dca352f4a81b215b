import { SandboxError } from '../../domain/errors.ts';
import type { SandboxLabel, UpperId } from '../../domain/ids.ts';
import type {
  Capture,
  CaptureOptions,
  ExecOptions,
  ExecRequest,
  FileRead,
  Machine,
  MachineSpec,
  MachineStats,
  Stack,
} from '../runtime.ts';
import { isProgram, MemoryProcess } from './memory-process.ts';
import type { MiniFiles } from './mini-files.ts';
import { packTar, unpackTar } from './mini-tar.ts';

/** A machine of the in-memory runtime: a list of commands over the files of an upper. */
export class MemoryMachine implements Machine {
  readonly label: SandboxLabel;
  /** What it was started from; its upper may be another now. */
  readonly spec: MachineSpec;
  upper: UpperId;
  readonly exited: Promise<void>;
  /** What the kernel would have counted; tests raise it. */
  oomKills = 0;
  /** How its present runtime stops it and gives back what the host holds. */
  onStop: () => Promise<void> = async () => this.die();
  /** How its present runtime finds the files of another stack. */
  onCapture: (options: CaptureOptions) => Promise<Capture> = () => Promise.reject(new Error('No runtime holds it'));
  onRestack: (stack: Stack) => Promise<MiniFiles> = async () => this.#files;
  #files: MiniFiles;
  readonly #exit = Promise.withResolvers<void>();
  readonly #running = new Map<number, MemoryProcess>();
  #alive = true;
  #lastPid = 1;

  constructor(spec: MachineSpec, files: MiniFiles) {
    this.spec = spec;
    this.upper = spec.upper;
    this.label = spec.label;
    this.#files = files;
    this.exited = this.#exit.promise;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get commands(): readonly MemoryProcess[] {
    return [...this.#running.values()];
  }

  async exec(request: ExecRequest, options: ExecOptions): Promise<MemoryProcess> {
    this.#checkAlive();
    const [program = ''] = request.argv;
    if (!this.#files.isFolder(request.workdir))
      throw new SandboxError('INVALID_ARGUMENT', `Cannot run command: workdir "${request.workdir}" does not exist`);
    if (!isProgram(program)) throw new SandboxError('INVALID_ARGUMENT', `Cannot run "${program}": not found`);
    const process = new MemoryProcess(request, { ...options, files: this.#files, pid: ++this.#lastPid });
    this.#running.set(process.supervisorPid, process);
    const forget = () => void this.#running.delete(process.supervisorPid);
    process.exited.then(forget, forget);
    return process;
  }

  async killTree(supervisorPid: number | undefined): Promise<{ readonly escalated: boolean }> {
    if (supervisorPid !== undefined) this.#running.get(supervisorPid)?.killFromOutside();
    return { escalated: false };
  }

  async readFile(path: string): Promise<FileRead> {
    this.#checkAlive();
    const file = this.#files.read(path);
    const isFolder = this.#files.isFolder(path);
    if (file === undefined && !isFolder) throw new SandboxError('FILE_NOT_FOUND', `not found: ${path}`);
    const content = file?.content ?? packTar(this.#files, path);
    const info = {
      kind: isFolder ? 'folder' : 'file',
      mode: file?.mode ?? 0o755,
      uid: 0,
      gid: 0,
      sizeBytes: content.length,
      modifiedAt: new Date(0),
    } as const;
    return { info, content: piecesOf(content) };
  }

  async writeFile(path: string, content: AsyncIterable<Uint8Array>, options: { mode: number }): Promise<void> {
    this.#checkAlive();
    const bytes = await collect(content);
    this.#put(path, () => this.#files.write(path, { content: bytes, mode: options.mode }));
  }

  async writeTar(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#checkAlive();
    const bytes = await collect(content);
    this.#put(path, () => unpackTar(this.#files, path, bytes));
  }

  async stats(): Promise<MachineStats> {
    const pids = this.#running.size + 1;
    return { memoryBytes: 4096, memoryPeakBytes: 4096, oomKills: this.oomKills, pids, cpuMicros: 1 };
  }

  async restack(stack: Stack): Promise<void> {
    this.#checkAlive();
    const files = await this.onRestack(stack);
    // As the kernel sees it: a working folder is a file in use.
    if (this.commands.some((command) => command.workdir !== '/'))
      throw new SandboxError(
        'SANDBOX_BUSY',
        'Cannot change the layers of the sandbox: something inside still uses them',
      );
    this.#files = files;
    this.upper = stack.upper;
  }

  async capture(options: CaptureOptions): Promise<Capture> {
    this.#checkAlive();
    return this.onCapture(options);
  }

  stop(): Promise<void> {
    return this.onStop();
  }

  /** As when PID 1 is killed from outside, without anybody asking the runtime. */
  die(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const process of this.#running.values()) process.lose();
    this.#exit.resolve();
  }

  #checkAlive(): void {
    if (!this.#alive) throw new SandboxError('AGENT_FAILED', 'Cannot reach agent: the machine has exited');
  }

  #put(path: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new SandboxError('FILE_NOT_FOUND', `not found: ${path}`);
      if (code === 'EISDIR') throw new SandboxError('INVALID_ARGUMENT', `Cannot write "${path}": it is a folder`);
      if (code === 'ENOSPC') throw new SandboxError('NO_SPACE', `Cannot write "${path}": the writable layer is full`);
      throw error;
    }
  }
}

async function* piecesOf(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}
