import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NamespaceRuntime } from '../../src/runtime/namespace/namespace-runtime.ts';
import { Installation } from './installation.ts';
import { INSTALLED } from './installed.ts';
import { PROJECT_ROOT } from './project-files.ts';
import { run } from './run.ts';

const PATIENCE_MS = 10_000;

/** The installed broker over a state root, with a relay in the daemon's place: this process is its daemon. */
export class RelayedBroker implements AsyncDisposable {
  readonly #dataFolder: string;
  readonly #work: string;
  #broker: ChildProcess;
  #runtime: NamespaceRuntime | undefined;

  private constructor(dataFolder: string) {
    this.#dataFolder = realpathSync(dataFolder);
    this.#work = mkdtempSync(join(tmpdir(), 'relay-'));
    // The relay runs as the daemon's user, who may not be able to read this checkout.
    copyFileSync(join(PROJECT_ROOT, 'test/support/broker-relay.ts'), this.#relay);
    run(['chmod', '1777', this.#work]);
    run(['chmod', '644', this.#relay]);
    this.#broker = this.#spawn();
  }

  static async start(dataFolder: string): Promise<RelayedBroker> {
    const broker = new RelayedBroker(dataFolder);
    await broker.connect();
    return broker;
  }

  get runtime(): NamespaceRuntime {
    if (this.#runtime === undefined) throw new Error('Cannot use the broker: not connected');
    return this.#runtime;
  }

  /** Becomes the broker's next daemon; the last one goes away. */
  async connect(): Promise<NamespaceRuntime> {
    const runtime = new NamespaceRuntime({
      broker: await this.connectRaw(),
      runFolder: `/run/squash/${createHash('sha256').update(this.#dataFolder).digest('hex').slice(0, 8)}`,
      dataFolder: this.#dataFolder,
    });
    this.#runtime = runtime;
    await runtime.ready();
    return runtime;
  }

  /** The same for a daemon that speaks in frames, and ends its connection itself. */
  async connectRaw(): Promise<Socket> {
    await this.#runtime?.[Symbol.asyncDispose]();
    this.#runtime = undefined;
    for (const giveUpAt = performance.now() + PATIENCE_MS; ; await delay(10)) {
      const socket = connect(this.#socketPath);
      try {
        await once(socket, 'connect');
        return socket;
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
      }
    }
  }

  /** `kill -9` of the broker, and the next one over the same state root. Every connection is lost. */
  async restart(): Promise<void> {
    const ended = once(this.#broker, 'exit');
    this.#broker.kill('SIGKILL');
    await ended;
    this.#broker = this.#spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { machines, uppers, layers } = await this.runtime.inventory();
    await Promise.all(machines.map((label) => this.runtime.stopMachine(label)));
    await Promise.all(uppers.map((id) => this.runtime.dropUpper(id)));
    await Promise.all(layers.map((digest) => this.runtime.detachLayer(digest)));
    const ended = once(this.#broker, 'exit');
    this.#broker.kill('SIGTERM');
    await ended;
    rmSync(this.#work, { recursive: true });
  }

  get #socketPath(): string {
    return join(this.#work, 'sock');
  }

  get #relay(): string {
    return join(this.#work, 'broker-relay.ts');
  }

  #spawn(): ChildProcess {
    return spawn(
      `${INSTALLED}/squash-broker`,
      [
        ...['serve', '--data', this.#dataFolder, '--uid-base', Installation.uidBase, '--ready', '0'],
        ...['--agent', `${INSTALLED}/squash-agent`, '--', `${INSTALLED}/node`, this.#relay, this.#socketPath],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
  }
}
