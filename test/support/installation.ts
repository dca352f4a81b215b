import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type FillLayer, fillBusyboxBase, publishFixture } from './fixture-layers.ts';
import { INSTALLED } from './installed.ts';
import { run } from './run.ts';

export interface InstallationOptions {
  /** Settings of the daemon, over the defaults of tests: a free port, small uppers, two of them ready. */
  readonly env?: Readonly<Record<string, string>>;
  /** Layers beside `000-base-test`, the busybox base that is the default. */
  readonly layers?: Readonly<Record<string, FillLayer>>;
  /** A program of root's in the place of `squash-packer`. */
  readonly packer?: string;
  /** Where the state root is made; the temporary folder unless given. */
  readonly parent?: string;
}

const START_PATIENCE_MS = 20_000;

/** A state root of its own with the installed broker and daemon over it: what a user's host has. Disposing it ends and removes everything. */
export class Installation implements AsyncDisposable {
  readonly dataFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Everything that broker and daemon said, line by line. */
  readonly log: string[] = [];
  /** `http://127.0.0.1:port` of the daemon that serves now. */
  url = '';
  readonly #packer: string;
  #broker: ChildProcess | undefined;
  #daemonPid = 0;

  private constructor(options: InstallationOptions) {
    this.dataFolder = realpathSync(mkdtempSync(join(options.parent ?? tmpdir(), 'sq-')));
    run(['chmod', '711', this.dataFolder]);
    this.#packer = options.packer ?? `${INSTALLED}/squash-packer`;
    this.env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      SQUASH_DATA: this.dataFolder,
      SQUASH_PORT: '0',
      SQUASH_DEFAULT_LAYERS: '000-base-test',
      SQUASH_UPPER_LIMIT_MB: '32',
      SQUASH_READY_UPPERS: '2',
      SQUASH_DISK_RESERVE_MB: '64',
      ...options.env,
    };
  }

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const installation = new Installation(options);
    try {
      publishFixture(installation.dataFolder, '000-base-test', fillBusyboxBase);
      for (const [name, fill] of Object.entries(options.layers ?? {}))
        publishFixture(installation.dataFolder, name, fill);
      await installation.start();
      return installation;
    } catch (error) {
      await installation[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ids of the sandboxes' users start here; setup chose it. */
  static get uidBase(): string {
    const settings = readFileSync('/etc/squash/squash.env', 'utf8');
    const base = /^SQUASH_UID_BASE=(\d+)$/m.exec(settings)?.[1];
    if (base === undefined)
      throw new Error('Cannot start an installation: script/setup has not chosen SQUASH_UID_BASE');
    return base;
  }

  get brokerPid(): number {
    return this.#broker?.pid ?? 0;
  }

  /** Pid of the daemon that serves now. */
  get daemonPid(): number {
    return this.#daemonPid;
  }

  /** `/run/squash/<instance>`. */
  get runFolder(): string {
    return `/run/squash/${createHash('sha256').update(this.dataFolder).digest('hex').slice(0, 8)}`;
  }

  /** Starts the broker and waits until the daemon serves. */
  async start(): Promise<void> {
    const broker = spawn(
      `${INSTALLED}/squash-broker`,
      [
        ...['serve', '--data', this.dataFolder, '--uid-base', Installation.uidBase],
        ...(this.env.SQUASH_POOL === undefined ? [] : ['--pool', this.env.SQUASH_POOL]),
        ...['--ready', this.env.SQUASH_READY_UPPERS ?? '2', '--agent', `${INSTALLED}/squash-agent`],
        ...['--packer', this.#packer, '--', `${INSTALLED}/node`, `${INSTALLED}/squashd.mjs`],
      ],
      { env: this.env, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#broker = broker;
    const serving = this.waitForDaemon();
    createInterface({ input: broker.stderr }).on('line', (line) => this.#heard(line));
    const ended = once(broker, 'exit').then(() => {
      throw new Error(`Cannot start an installation: ${this.log.slice(-5).join('\n')}`);
    });
    await Promise.race([serving, ended]);
    ended.catch(() => undefined);
  }

  #onServing: (() => void)[] = [];

  /** Resolves when a daemon reports that it serves, from now on. */
  waitForDaemon(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`No daemon serves: ${this.log.slice(-5).join('\n')}`)),
        START_PATIENCE_MS,
      );
      this.#onServing.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #heard(line: string): void {
    this.log.push(line);
    if (!line.startsWith('{')) return;
    const entry: { msg?: string; address?: string; pid?: number } = JSON.parse(line);
    if (entry.msg !== 'Serving' || entry.address === undefined) return;
    this.url = entry.address;
    this.#daemonPid = entry.pid ?? 0;
    for (const resolve of this.#onServing.splice(0)) resolve();
  }

  /** Sends a signal to the broker and waits for its end. SIGTERM leaves sandboxes running. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    const ended = once(broker, 'exit');
    broker.kill(signal);
    await ended;
  }

  killDaemon(): void {
    process.kill(this.#daemonPid, 'SIGKILL');
  }

  /** Calls the API; the body is JSON both ways. */
  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const { SQUASH_AUTH_TOKEN: token } = this.env;
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broker === undefined || this.#broker.exitCode !== null || this.#broker.signalCode !== null)
      await this.start().catch(() => undefined);
    const list = await this.call('GET', '/cgi-bin/api/sandboxes').catch(() => undefined);
    for (const { id } of (list?.body ?? []) as { id: string }[])
      await this.call('DELETE', `/cgi-bin/api/sandboxes/${id}`).catch(() => undefined);
    await this.stop();
    rmSync(this.dataFolder, { recursive: true, force: true });
  }
}
