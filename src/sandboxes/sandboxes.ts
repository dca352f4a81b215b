import { SandboxError } from '../domain/errors.ts';
import type { LayerName, SandboxId, SnapshotLabel } from '../domain/ids.ts';
import { checkSandboxPath } from '../files/sandbox-path.ts';
import type { ExecLog } from '../processes/exec-log.ts';
import type { Sidecar } from '../layers/sidecar.ts';
import { GuardedProcess } from '../processes/guarded-process.ts';
import { callOf, LiveRecord } from '../processes/live-record.ts';
import { runCommand } from '../processes/run-command.ts';
import type { ExecOptions, ExecRequest, FileRead, MachineProcess } from '../runtime/runtime.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import { activateLayer } from './activate.ts';
import { createSandbox } from './create.ts';
import { destroySandbox } from './destroy.ts';
import { Expiry } from './expiry.ts';
import { forkSandbox } from './fork.ts';
import { layerFromSandbox, type MadeLayer, promoteSnapshot } from './make-layer.ts';
import type { SandboxParts } from './parts.ts';
import { recoverSandboxes } from './recover.ts';
import { removeSnapshot } from './remove-snapshot.ts';
import { restoreSnapshot } from './restore.ts';
import type { Sandbox } from './sandbox.ts';
import { sandboxInfo } from './sandbox-info.ts';
import { takeSnapshot } from './take-snapshot.ts';
import type { CreateRequest, ExecCall, ExecResult, SandboxInfo, SandboxRecord } from './types.ts';
import { runningMachine, withMachine } from './wake.ts';

/** The sandboxes of this installation: everything that the API can do with one. */
export class Sandboxes implements AsyncDisposable {
  readonly #parts: SandboxParts;
  readonly #expiry: Expiry;
  #isLost = false;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    void parts.runtime.lost.then(() => {
      this.#isLost = true;
    });
    this.#expiry = new Expiry({
      all: () => parts.registry.all(),
      destroy: (sandbox) => destroySandbox(sandbox, parts),
      now: parts.now,
      log: parts.log,
    });
  }

  /** Takes over what an earlier daemon left; to be called once, before anything else. */
  async recover(records: readonly SandboxRecord[]): Promise<void> {
    await recoverSandboxes(records, this.#parts);
    this.#expiry.arm();
  }

  /** @throws what `createSandbox` throws */
  async create(request: CreateRequest): Promise<SandboxInfo> {
    this.#checkLink();
    const sandbox = await createSandbox(request, this.#parts);
    if (sandbox.expiresAt !== undefined) this.#expiry.arm();
    return this.#describe(sandbox);
  }

  /** Oldest first. */
  async list(): Promise<SandboxInfo[]> {
    this.#checkLink();
    return Promise.all(this.#parts.registry.all().map((sandbox) => this.#describe(sandbox)));
  }

  /** @throws SANDBOX_NOT_FOUND */
  async info(id: SandboxId): Promise<SandboxInfo> {
    return this.#describe(this.#get(id));
  }

  /** Resolves when nothing of the sandbox is left. @throws SANDBOX_NOT_FOUND */
  async destroy(id: SandboxId): Promise<void> {
    await destroySandbox(this.#get(id), this.#parts);
  }

  /** Runs a command to its end, or to the first of timeout and abort. @throws SANDBOX_NOT_FOUND, SANDBOX_BUSY, INVALID_ARGUMENT */
  async exec(id: SandboxId, call: ExecCall, options: { readonly signal: AbortSignal }): Promise<ExecResult> {
    const sandbox = this.#get(id);
    sandbox.checkUsable();
    const log = logOf(sandbox);
    const { env } = sandbox.record;
    const exec = log.during(call, (begin) =>
      withMachine(sandbox, this.#parts, (watch) => runCommand({ watch, begin, env }, call, options)),
    );
    return sandbox.track(exec);
  }

  /** Kept exec results, ascending `seq`. @throws SANDBOX_NOT_FOUND */
  async logs(id: SandboxId): Promise<ExecResult[]> {
    return (await this.#get(id).log?.results()) ?? [];
  }

  /**
   * Starts a command and hands it over; disposing it ends its whole tree. `request.env` is completed with the sandbox's own.
   * It is kept in the log like every command.
   *
   * @throws SANDBOX_NOT_FOUND, SANDBOX_BUSY, INVALID_ARGUMENT
   */
  async spawn(id: SandboxId, request: ExecRequest, options: ExecOptions): Promise<MachineProcess> {
    const sandbox = this.#get(id);
    const log = logOf(sandbox);
    const terminal = request.pty === undefined ? {} : { TERM: 'xterm-256color' };
    const env = { ...sandbox.record.env, ...terminal, ...request.env };
    return log.during(callOf(request), (begin) =>
      withMachine(sandbox, this.#parts, async (watch) => {
        const record = new LiveRecord(begin(), request);
        const process = new GuardedProcess(await watch.exec({ ...request, env }, record.listen(options)), watch);
        record.follow(process);
        void sandbox.track(process.exited).catch(() => undefined);
        return process;
      }),
    );
  }

  /** A file's content, or a tar of a folder. @throws SANDBOX_NOT_FOUND, SANDBOX_BUSY, FILE_NOT_FOUND */
  async readFile(id: SandboxId, path: string): Promise<FileRead> {
    const checked = checkSandboxPath(path);
    return withMachine(this.#get(id), this.#parts, ({ machine }) => machine.readFile(checked));
  }

  /** Atomic: the old content or the new. @throws SANDBOX_NOT_FOUND, SANDBOX_BUSY, FILE_NOT_FOUND */
  async writeFile(
    id: SandboxId,
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: { readonly mode: number },
  ): Promise<void> {
    const checked = checkSandboxPath(path);
    const { machine } = await runningMachine(this.#get(id), this.#parts);
    await machine.writeFile(checked, content, options);
  }

  /** Unpacks a tar below a folder. @throws SANDBOX_NOT_FOUND, SANDBOX_BUSY */
  async writeTar(id: SandboxId, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const checked = checkSandboxPath(path);
    const { machine } = await runningMachine(this.#get(id), this.#parts);
    await machine.writeTar(checked, content);
  }

  /** @throws SANDBOX_NOT_FOUND, and what `activateLayer` throws */
  async activate(id: SandboxId, name: LayerName): Promise<SandboxInfo> {
    const sandbox = this.#get(id);
    await activateLayer(sandbox, name, this.#parts);
    return this.#describe(sandbox);
  }

  /** @param label undefined: one is made of the time @throws SANDBOX_NOT_FOUND, and what `takeSnapshot` throws */
  async snapshot(id: SandboxId, label: SnapshotLabel | undefined): Promise<Snapshot> {
    return takeSnapshot(this.#get(id), label, this.#parts);
  }

  /** @throws SANDBOX_NOT_FOUND, SNAPSHOT_NOT_FOUND, and what `restoreSnapshot` throws */
  async restore(id: SandboxId, label: SnapshotLabel): Promise<SandboxInfo> {
    const sandbox = this.#get(id);
    await restoreSnapshot(sandbox, label, this.#parts);
    return this.#describe(sandbox);
  }

  /** New sandboxes of these ids that start on what this one has written. @throws SANDBOX_NOT_FOUND, and what `forkSandbox` throws */
  async fork(id: SandboxId, ids: readonly SandboxId[]): Promise<readonly SandboxInfo[]> {
    const forks = await forkSandbox(this.#get(id), ids, this.#parts);
    this.#expiry.arm();
    return Promise.all(forks.map((fork) => this.#describe(fork)));
  }

  /** Oldest first; of a sandbox that is gone, too. @throws SANDBOX_NOT_FOUND when there is neither */
  async snapshots(id: SandboxId): Promise<readonly Snapshot[]> {
    const snapshots = this.#parts.snapshots.list(id);
    if (snapshots.length === 0) this.#get(id);
    return snapshots;
  }

  /** A layer of what was written. @throws SANDBOX_NOT_FOUND, and what `layerFromSandbox` throws */
  async makeLayer(id: SandboxId, layer: MadeLayer): Promise<Sidecar> {
    return layerFromSandbox(this.#get(id), layer, this.#parts);
  }

  /** A layer of a snapshot. @throws SNAPSHOT_NOT_FOUND, and what `promoteSnapshot` throws */
  async promote(id: SandboxId, label: SnapshotLabel, layer: MadeLayer): Promise<Sidecar> {
    this.#checkLink();
    return promoteSnapshot({ sandbox: id, label }, layer, this.#parts);
  }

  /** @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_IN_USE while a sandbox or another snapshot stands on it */
  async removeSnapshot(id: SandboxId, label: SnapshotLabel): Promise<void> {
    await removeSnapshot(id, label, this.#parts);
  }

  count(): number {
    return this.#parts.registry.size;
  }

  /** Lets go of timers and files. Sandboxes go on running, for the next daemon to take over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#expiry[Symbol.dispose]();
    await Promise.all(this.#parts.registry.all().map((sandbox) => sandbox.log?.close()));
  }

  #get(id: SandboxId): Sandbox {
    this.#checkLink();
    return this.#parts.registry.get(id);
  }

  /** Without the broker this daemon is a predecessor: the next one may own the sandboxes already, and number their commands. */
  #checkLink(): void {
    if (this.#isLost) throw new SandboxError('BROKER_GONE', 'broker gone');
  }

  async #describe(sandbox: Sandbox): Promise<SandboxInfo> {
    const usedBytes = await this.#usedBytes(sandbox);
    const snapshots = this.#parts.snapshots.list(sandbox.id);
    return sandboxInfo(sandbox, { backend: this.#parts.runtime.backend, usedBytes, snapshots });
  }

  /** 0 while the upper is not there to be measured: a sandbox that is in trouble must not hide the others from the list. */
  async #usedBytes(sandbox: Sandbox): Promise<number> {
    const isThere = () => sandbox.state === 'running' || sandbox.state === 'stopped';
    if (!isThere()) return 0;
    try {
      return (await this.#parts.runtime.upperUsage(sandbox.record.upper)).usedBytes;
    } catch (error) {
      if (error instanceof SandboxError && error.code === 'BROKER_GONE') throw error;
      if (isThere()) this.#parts.log.warn({ err: error, id: sandbox.id }, 'Cannot measure writable layer');
      return 0;
    }
  }
}

function logOf({ id, log }: Sandbox): ExecLog {
  if (log !== undefined) return log;
  throw new SandboxError('SANDBOX_BUSY', `Cannot use sandbox "${id}": it is not there as a whole`);
}
