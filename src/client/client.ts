import { json } from 'node:stream/consumers';
import type { ExecStart } from '../api/v1/exec-wire.ts';
import { SandboxError } from '../domain/errors.ts';
import type { ExecResult, SandboxInfo, SnapshotInfo, SnapshotTaken } from '../sandboxes/types.ts';
import { type RemoteFile, readRemoteFile } from './remote-file.ts';
import type { OnOutput, RemoteProcess } from './remote-process.ts';
import { spawnRemote } from './spawn.ts';
import { type Call, Transport, type TransportOptions } from './transport.ts';
import type { CreateBody, ExecBody, Health, LayerMade, ModuleInfo } from './wire.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';
const TAR = 'application/x-tar';

/** Every route of one daemon. All methods throw what the daemon answered, or DAEMON_UNREACHABLE. */
export class SquashClient implements Disposable {
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
  }

  health(): Promise<Health> {
    return this.#json({ method: 'GET', path: '/cgi-bin/health' });
  }

  modules(): Promise<readonly ModuleInfo[]> {
    return this.#json({ method: 'GET', path: '/cgi-bin/api/modules' });
  }

  list(): Promise<readonly SandboxInfo[]> {
    return this.#json({ method: 'GET', path: SANDBOXES });
  }

  create(body: CreateBody): Promise<SandboxInfo> {
    return this.#json({ method: 'POST', path: SANDBOXES, ...jsonBody(body) });
  }

  info(id: string): Promise<SandboxInfo> {
    return this.#json({ method: 'GET', path: sandboxPath(id) });
  }

  async destroy(id: string): Promise<void> {
    await this.#empty({ method: 'DELETE', path: sandboxPath(id) });
  }

  /** Runs a command to its end. Aborting kills it with its whole tree. */
  exec(id: string, body: ExecBody, options: { readonly signal?: AbortSignal } = {}): Promise<ExecResult> {
    return this.#json({ method: 'POST', path: `${sandboxPath(id)}/exec`, ...jsonBody(body), signal: options.signal });
  }

  activate(id: string, module: string): Promise<SandboxInfo> {
    return this.#json({ method: 'POST', path: `${sandboxPath(id)}/activate`, ...jsonBody({ module }) });
  }

  /** @param label undefined: the daemon makes one of the time */
  snapshot(id: string, label: string | undefined): Promise<SnapshotTaken> {
    return this.#json({ method: 'POST', path: `${sandboxPath(id)}/snapshot`, ...jsonBody({ label }) });
  }

  restore(id: string, label: string): Promise<SandboxInfo> {
    return this.#json({ method: 'POST', path: `${sandboxPath(id)}/restore`, ...jsonBody({ label }) });
  }

  makeLayer(id: string, layer: string, options: { readonly replace: boolean }): Promise<LayerMade> {
    const path = `/v1/sandboxes/${encodeURIComponent(id)}/layer`;
    return this.#json({ method: 'POST', path, ...jsonBody({ layer, ...options }) });
  }

  promote(id: string, label: string, made: { readonly layer: string; readonly replace: boolean }): Promise<LayerMade> {
    const path = `${snapshotsPath(id)}/${encodeURIComponent(label)}/promote`;
    return this.#json({ method: 'POST', path, ...jsonBody(made) });
  }

  /** @param count 1: it is called `newId`; more: they are numbered */
  fork(id: string, newId: string, count: number): Promise<readonly SandboxInfo[]> {
    const path = `/v1/sandboxes/${encodeURIComponent(id)}/fork`;
    return this.#json({ method: 'POST', path, ...jsonBody({ id: newId, count }) });
  }

  snapshots(id: string): Promise<readonly SnapshotInfo[]> {
    return this.#json({ method: 'GET', path: snapshotsPath(id) });
  }

  async removeSnapshot(id: string, label: string): Promise<void> {
    await this.#empty({ method: 'DELETE', path: `${snapshotsPath(id)}/${encodeURIComponent(label)}` });
  }

  logs(id: string): Promise<readonly ExecResult[]> {
    return this.#json({ method: 'GET', path: `${sandboxPath(id)}/logs` });
  }

  /** A live command; see `exec-wire.ts`. */
  spawn(id: string, start: ExecStart, options: { readonly onOutput: OnOutput }): Promise<RemoteProcess> {
    const url = this.#transport.url(`/v1/sandboxes/${encodeURIComponent(id)}/exec`);
    return spawnRemote(url, start, { ...options, headers: this.#transport.headers });
  }

  /** A file, or a folder as a tar. The caller reads `content` to its end or destroys it. */
  async readFile(id: string, path: string): Promise<RemoteFile> {
    return readRemoteFile(await this.#transport.open({ method: 'GET', path: filesPath(id, { path }) }));
  }

  /** Atomic: an upload that breaks off leaves what was there. @param options.mode permission bits @default {0o644} */
  async writeFile(
    id: string,
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: { readonly mode?: number } = {},
  ): Promise<void> {
    const mode = (options.mode ?? 0o644).toString(8);
    const headers = { 'content-type': 'application/octet-stream' };
    await this.#empty({ method: 'PUT', path: filesPath(id, { path, mode }), headers, body: content });
  }

  /** Unpacks a tar below a folder, which is made when missing. */
  async writeTar(id: string, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#empty({
      method: 'PUT',
      path: filesPath(id, { path }),
      headers: { 'content-type': TAR },
      body: content,
    });
  }

  /** Ends the kept connections; without it they do by themselves after a minute. */
  [Symbol.dispose](): void {
    this.#transport.close();
  }

  async #json<T>(call: Call): Promise<T> {
    const answer = await this.#transport.open(call);
    try {
      return (await json(answer)) as T;
    } catch (cause) {
      const url = this.#transport.url(call.path);
      throw new SandboxError('DAEMON_UNREACHABLE', `Cannot read the answer of ${url.origin}: it is not JSON`, {
        cause,
      });
    }
  }

  async #empty(call: Call): Promise<void> {
    const answer = await this.#transport.open(call);
    answer.resume();
  }
}

function jsonBody(body: object): Pick<Call, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function sandboxPath(id: string): string {
  return `${SANDBOXES}/${encodeURIComponent(id)}`;
}

function snapshotsPath(id: string): string {
  return `/v1/sandboxes/${encodeURIComponent(id)}/snapshots`;
}

function filesPath(id: string, query: Readonly<Record<string, string>>): string {
  return `/v1/sandboxes/${encodeURIComponent(id)}/files?${new URLSearchParams(query)}`;
}
