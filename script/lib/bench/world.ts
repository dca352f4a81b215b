import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { labelOf, parseSandboxId } from '../../../src/domain/ids.ts';
import { Installation, type InstallationOptions } from '../../../test/support/installation.ts';
import { profileOptions } from './daemon-profile.ts';
import { HttpConnection } from './http-connection.ts';

export interface WorldOptions {
  readonly ready?: number;
  readonly upperMiB?: number;
  readonly layers?: InstallationOptions['layers'];
  /** Uppers are on this pool. */
  readonly pool?: string;
}

const QUIET_TIMEOUT_MS = 60_000;
/** Time for what follows a refill (write-back, the fork's own page faults) to be over. */
const SETTLE_MS = 10;

const worlds = new Set<World>();

/** Where daemons leave profiles of themselves; none unless set. */
export const profiling: { folder: string | undefined } = { folder: undefined };

/** An installation as it stands after a while without work: everything that is kept ready is ready. */
export class World implements AsyncDisposable {
  readonly installation: Installation;
  http: HttpConnection;
  readonly #ready: number;
  readonly #isOnDisk: boolean;
  readonly #alive = new Set<string>();

  /** Ends and removes all that there are: for a bench that is interrupted. */
  static async endAll(): Promise<void> {
    await Promise.all([...worlds].map((world) => world[Symbol.asyncDispose]()));
  }

  private constructor(installation: Installation, http: HttpConnection, options: { ready: number; isOnDisk: boolean }) {
    worlds.add(this);
    this.installation = installation;
    this.http = http;
    this.#ready = options.ready;
    this.#isOnDisk = options.isOnDisk;
  }

  static async start({ ready = 8, upperMiB = 64, layers = {}, pool }: WorldOptions = {}): Promise<World> {
    const env = {
      SQUASH_READY_UPPERS: String(ready),
      SQUASH_UPPER_LIMIT_MB: String(upperMiB),
      SQUASH_MAX_SANDBOXES: '1000',
      ...(pool !== undefined && { SQUASH_UPPER: 'btrfs', SQUASH_POOL: pool }),
      ...(profiling.folder !== undefined && { NODE_OPTIONS: profileOptions(profiling.folder) }),
    };
    const installation = await Installation.start({ env, layers });
    const world = new World(installation, await HttpConnection.open(installation.url), {
      ready,
      isOnDisk: pool === undefined,
    });
    await world.quiet();
    return world;
  }

  /** Once another daemon serves. */
  async reconnect(): Promise<void> {
    this.http[Symbol.dispose]();
    this.http = await HttpConnection.open(this.installation.url);
  }

  async create(id: string, options: { readonly http?: HttpConnection; readonly body?: object } = {}): Promise<void> {
    this.#alive.add(id);
    const { http = this.http, body = {} } = options;
    const answer = await http.request('POST', '/cgi-bin/api/sandboxes', { id, ...body });
    if (answer.status !== 201) throw new Error(`Cannot create ${id}: ${answer.body}`);
  }

  /** Runs a command that must succeed; returns its output. */
  async exec(id: string, cmd: string, http: HttpConnection = this.http): Promise<string> {
    const { status, body } = await http.request('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd });
    const result = status === 200 ? (JSON.parse(body) as { exit_code: number; stdout: string }) : undefined;
    if (result?.exit_code !== 0) throw new Error(`Cannot run ${cmd} in ${id}: ${body}`);
    return result.stdout;
  }

  async destroy(id: string): Promise<void> {
    const answer = await this.http.request('DELETE', `/cgi-bin/api/sandboxes/${id}`);
    if (answer.status !== 204) throw new Error(`Cannot destroy ${id}: ${answer.body}`);
    this.#alive.delete(id);
  }

  /** Ends a sandbox that came without `create`. */
  async forget(id: string): Promise<void> {
    this.#alive.add(id);
    await this.destroy(id);
  }

  async destroyAll(): Promise<void> {
    for (const id of [...this.#alive]) await this.destroy(id);
  }

  /** Pid of a sandbox's PID 1, as the host numbers it. */
  initPid(id: string): number {
    const note = join(this.installation.runFolder, 'machines', labelOf(parseSandboxId(id)), 'slot');
    return Number(readFileSync(note, 'utf8').split(' ')[1]);
  }

  /** Resolves when uppers and starters are ready and no worker of the broker is at work. */
  async quiet(): Promise<void> {
    const deadline = performance.now() + QUIET_TIMEOUT_MS;
    while (!this.#isQuiet()) {
      if (performance.now() > deadline) throw new Error('The installation does not come to rest');
      await delay(2);
    }
    await delay(SETTLE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!worlds.delete(this)) return;
    this.http[Symbol.dispose]();
    await this.installation[Symbol.asyncDispose]();
  }

  #isQuiet(): boolean {
    const images = readdirSync(join(this.installation.dataFolder, 'uppers')).filter((name) => name.endsWith('.img'));
    if (this.#isOnDisk && images.length !== this.#alive.size + this.#ready) return false;
    const names = childrenOf(this.installation.brokerPid).map(nameOf);
    return names.filter((name) => name === 'squash-starter').length === this.#ready && !names.includes('squash-worker');
  }
}

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // it ended meanwhile
  }
}
