import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, parseLayerName, parseSandboxId, type SandboxId } from '../../src/domain/ids.ts';
import type { Sidecar } from '../../src/layers/sidecar.ts';
import { type Log, SILENT } from '../../src/lib/log.ts';
import { MemoryHost } from '../../src/runtime/memory/memory-host.ts';
import { MemoryRuntime } from '../../src/runtime/memory/memory-runtime.ts';
import { SandboxError } from '../../src/domain/errors.ts';
import { type Installation, type InstallationSettings, openInstallation } from '../../src/sandboxes/installation.ts';
import type { PublishOptions } from '../../src/runtime/runtime.ts';
import type { Sandboxes } from '../../src/sandboxes/sandboxes.ts';
import type { CreateRequest } from '../../src/sandboxes/types.ts';

/** A daemon without its HTTP side. */
export interface TestDaemon {
  readonly runtime: MemoryRuntime;
  readonly sandboxes: Sandboxes;
  readonly installation: Installation;
}

const SETTINGS: Omit<InstallationSettings, 'dataDir'> = {
  maxSandboxes: 100,
  upper: 'disk',
  upperLimitMiB: 64,
  upperSparse: false,
  readyUppers: 0,
  diskReserveMiB: 0,
  captureTimeoutSeconds: 60,
  logMax: 100,
};

/** A state root in a temporary folder over a host in memory, on which daemons come and go. */
export class SandboxWorld implements AsyncDisposable {
  readonly host = new MemoryHost();
  readonly dir: string;
  readonly #settings: Partial<InstallationSettings>;
  readonly #daemons: TestDaemon[] = [];

  private constructor(dir: string, settings: Partial<InstallationSettings>) {
    this.dir = dir;
    this.#settings = settings;
    this.host.freeBytes = 2 ** 40;
  }

  /** With the layers `000-base` and `100-tools`. */
  static async make(settings: Partial<InstallationSettings> = {}): Promise<SandboxWorld> {
    const world = new SandboxWorld(await mkdtemp(join(tmpdir(), 'squash-world-')), settings);
    await mkdir(join(world.dir, 'modules'));
    await mkdir(join(world.dir, 'staging'));
    world.host.onPublish = (staged, name, options) => world.#publishStaged(staged, name, options);
    await world.publish('000-base', { libc: 'glibc' });
    await world.publish('100-tools', { libc: 'glibc', env: { PATH: '/opt/tools/bin', TOOL: 'yes' } });
    return world;
  }

  async publish(name: string, changes: Partial<Sidecar> = {}): Promise<Digest> {
    const sha256 = createHash('sha256')
      .update(JSON.stringify([name, changes]))
      .digest('hex') as Digest;
    const sidecar: Sidecar = {
      format: 1,
      name: parseLayerName(name),
      sha256,
      size: 4096,
      arch: machine(),
      libc: 'none',
      recipe: 'test',
      packages: {},
      env: {},
      ...changes,
    };
    await writeFile(join(this.dir, 'modules', `${name}.json`), JSON.stringify(sidecar));
    this.host.stored.add(sha256);
    return sha256;
  }

  async #publishStaged(staged: string, name: string, { digest, replace }: PublishOptions): Promise<void> {
    const path = join(this.dir, 'modules', `${name}.json`);
    const before = await readFile(path, 'utf8').catch(() => '');
    if (before !== '' && !before.includes(digest) && !replace)
      throw new SandboxError('LAYER_EXISTS', `Cannot publish layer "${name}": the name is taken by other content`);
    await rename(join(this.dir, 'staging', `${staged}.json`), path);
  }

  /** Starts a daemon; an earlier one should have been stopped, killed, or have lost its power. */
  async start(
    options: { now?: () => Date; settings?: Partial<InstallationSettings>; log?: Log } = {},
  ): Promise<TestDaemon> {
    const runtime = new MemoryRuntime(this.host);
    const settings = { ...SETTINGS, dataDir: this.dir, ...this.#settings, ...options.settings };
    const { now, log = SILENT } = options;
    const installation = await openInstallation(runtime, { settings, log, ...(now && { now }) });
    const daemon = { runtime, sandboxes: installation.sandboxes, installation };
    this.#daemons.push(daemon);
    return daemon;
  }

  /** As SIGTERM does it. */
  async stop(daemon: TestDaemon): Promise<void> {
    await daemon.installation[Symbol.asyncDispose]();
    await daemon.runtime[Symbol.asyncDispose]();
  }

  /** As `kill -9` does it: from this moment it reaches nothing, and its commands die. */
  async kill(daemon: TestDaemon): Promise<void> {
    await daemon.runtime[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.host.onOperation = () => {};
    // Those that were killed cannot give back what they hold; the files that they have open are closed all the same.
    for (const daemon of this.#daemons) await this.stop(daemon).catch(() => {});
    await rm(this.dir, { recursive: true });
  }
}

export function createRequest(id: string, changes: Partial<CreateRequest> = {}): CreateRequest {
  return {
    id: parseSandboxId(id),
    layers: [parseLayerName('000-base')],
    owner: 'anon',
    task: '',
    cpu: 2,
    memoryMiB: 1024,
    maxLifetimeSeconds: 0,
    allowNet: undefined,
    nesting: false,
    ...changes,
  };
}

export function execIn(sandboxes: Sandboxes, id: string, cmd: string, signal = new AbortController().signal) {
  return sandboxes.exec(id as SandboxId, { cmd, workdir: '/', timeoutSeconds: 30 }, { signal });
}
