import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ConnectAgent } from '../../../src/runtime/agent/connection.ts';
import { execOverAgent } from '../../../src/runtime/agent/exec.ts';
import type { ExecRequest, ExitReport, MachineProcess } from '../../../src/runtime/runtime.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';

/** First of the ids that the machine's root is mapped to; nobody else's on a Debian machine. */
export const FIRST_ID = 1_879_048_192;

const REQUEST: ExecRequest = {
  argv: ['true'],
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
  workdir: '/',
  uid: 0,
  gid: 0,
  groups: [],
  stdin: false,
  forwardLimitBytes: 0,
};

export type Result = ExitReport & { readonly stdout: string; readonly stderr: string };

/**
 * An agent as PID 1 of its own pid, mount and user namespaces, with the capabilities of a real sandbox, over the root file system of
 * this machine, in which it owns `folder`. Disposing it ends every process in it.
 */
export class AgentMachine implements AsyncDisposable {
  readonly connect: ConnectAgent;
  /** Belongs to the machine's root. */
  readonly folder: string;
  /** Pid of the agent out here. */
  readonly pid: number;
  readonly #root: string;
  readonly #launcher: ChildProcess;

  private constructor(root: string, launcher: ChildProcess, pid: number) {
    this.#root = root;
    this.#launcher = launcher;
    this.pid = pid;
    this.folder = join(root, 'files');
    this.connect = () => connect(join(root, 'sock'));
  }

  /** `maxProcesses` counts the agent's own too. */
  static async start({ maxProcesses = 1024 } = {}): Promise<AgentMachine> {
    execFileSync('make', ['-s', '-C', join(PROJECT_ROOT, 'native'), 'test-agent']);
    const built = join(PROJECT_ROOT, 'build/native');
    const root = mkdtempSync(join(tmpdir(), 'squash-agent-'));
    chmodSync(root, 0o711);
    mkdirSync(join(root, 'files'), { mode: 0o755 });
    chownSync(join(root, 'files'), FIRST_ID, FIRST_ID);
    // As installed: root's, and not to be read by the sandbox.
    copyFileSync(join(built, 'squash-agent'), join(root, 'squash-agent'));
    chmodSync(join(root, 'squash-agent'), 0o711);
    const words = [join(root, 'sock'), join(root, 'squash-agent'), String(FIRST_ID), String(maxProcesses)];
    const launcher = spawn(join(built, 'test/agent-launch'), words, { stdio: ['pipe', 'pipe', 'pipe'] });
    const said = await Promise.race([once(launcher.stdout, 'data'), text(launcher.stderr)]);
    const pid = Number(said[0]);
    if (!Number.isInteger(pid) || pid === 0) throw new Error(`Cannot start agent: ${said}`);
    return new AgentMachine(root, launcher, pid);
  }

  /** Starts a command; a string is a shell's. Output goes to `onOutput`. */
  exec(
    command: string | readonly string[],
    request: Partial<ExecRequest> = {},
    onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => void = () => {},
  ): Promise<MachineProcess> {
    const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    return execOverAgent(this.connect, { ...REQUEST, ...request, argv }, { onOutput });
  }

  /** Runs a command to its end. */
  async run(command: string | readonly string[], request: Partial<ExecRequest> = {}): Promise<Result> {
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    const process = await this.exec(command, request, (stream, data) => output[stream].push(data));
    const report = await process.exited;
    return {
      ...report,
      stdout: Buffer.concat(output.stdout).toString(),
      stderr: Buffer.concat(output.stderr).toString(),
    };
  }

  /** Command lines of the processes of this machine whose name or words contain `needle`. */
  processes(needle: string): string[] {
    const namespace = pidNamespace(this.pid);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && pidNamespace(Number(name)) === namespace)
      .map((name) => commandLine(Number(name)))
      .filter((line) => line.includes(needle));
  }

  /** Those that are left when there are none, or after 5 s. */
  async remaining(needle: string): Promise<string[]> {
    const deadline = Date.now() + 5000;
    // A process of the machine is nobody's to wait for out here.
    while (this.processes(needle).length > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 2));
    return this.processes(needle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#launcher.stdin?.end();
    if (this.#launcher.exitCode === null) await once(this.#launcher, 'exit');
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** What a command has said so far, and a way to wait for more. */
export class Listener {
  said = '';
  readonly #waiting: { readonly pattern: RegExp; readonly resolve: () => void }[] = [];

  readonly onOutput = (_: 'stdout' | 'stderr', data: Buffer): void => {
    this.said += data.toString();
    for (const each of this.#waiting) if (each.pattern.test(this.said)) each.resolve();
  };

  /** Resolves once everything that was said so far matches. */
  hears(pattern: RegExp): Promise<void> {
    if (pattern.test(this.said)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    // It has ended.
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
