import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

// Letter for letter what the quick start prints. Clients paste this.
export const QUICK_START_CREATE = `curl -X POST localhost:8080/cgi-bin/api/sandboxes \\
  -d '{"id":"dev","layers":"000-base-alpine,100-python312"}'`;
export const QUICK_START_EXEC = `curl -X POST localhost:8080/cgi-bin/api/sandboxes/dev/exec \\
  -d '{"cmd":"python3 -c \\"print(42)\\""}'`;

/** A server in a network namespace of its own, so that port 8080 is free on every machine. Needs root. */
export class PrivateServer implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a command there and waits for its first line on stdout. */
  static async start(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<PrivateServer> {
    const script = 'ip link set lo up && exec "$@"';
    const child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The server ended with ${code} before it was ready`);
    });
    await Promise.race([once(child.stdout, 'data'), ended]);
    ended.catch(() => {});
    return new PrivateServer(child);
  }

  /** Runs a line in a shell there. @returns its stdout */
  async paste(line: string): Promise<string> {
    const argv = [`--net=/proc/${this.#child.pid}/ns/net`, 'sh', '-c', line];
    const { stdout } = await promisify(execFile)('nsenter', argv);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
