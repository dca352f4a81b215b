import { checkEgress } from '../domain/egress.ts';
import { sandboxEnvironment } from '../domain/environment.ts';
import { SandboxError } from '../domain/errors.ts';
import type { UpperId } from '../domain/ids.ts';
import type { Sidecar } from '../layers/sidecar.ts';
import { allDone } from '../lib/all-done.ts';
import { Scope } from '../lib/scope.ts';
import { MachineWatch } from '../processes/machine-watch.ts';
import { machineSpecOf } from './machine-spec.ts';
import { mountLayers, openLog, type SandboxParts } from './parts.ts';
import { RECORD_FORMAT } from './record.ts';
import { Sandbox } from './sandbox.ts';
import { tearDown } from './tear-down.ts';
import type { CreateRequest, SandboxRecord } from './types.ts';
import type { UpperLease } from './upper-pool.ts';

const MIB = 1024 * 1024;

/**
 * Makes a sandbox: checks everything, reserves the id, writes it down, then acquires.
 * A failure anywhere undoes all of it. Nothing exists that the record did not name before, so that a daemon that dies in the middle
 * leaves only what the next one finds and undoes.
 *
 * @throws RUNTIME_UNAVAILABLE, EGRESS_RULE_UNENFORCEABLE, LAYER_NOT_FOUND and what else `Layers.resolve` throws,
 *   SANDBOX_EXISTS, SANDBOX_LIMIT, NO_SPACE, START_FAILED, SANDBOX_BUSY when it is destroyed meanwhile
 */
export async function createSandbox(request: CreateRequest, parts: SandboxParts): Promise<Sandbox> {
  checkUsable(request, parts);
  checkEgress(request.allowNet);
  parts.registry.checkRoom(request.id);
  const layers = await parts.layers.resolve(request.layers);

  const upperLimitBytes = upperSize(request, parts);
  return bringUp(parts, () => {
    const upper = parts.uppers.take(upperLimitBytes);
    return { record: describe(request, { layers, upper: upper.id, upperLimitBytes, parts }), upper, isFork: false };
  });
}

/** A sandbox that is about to be. */
export interface Draft {
  readonly record: SandboxRecord;
  readonly upper: UpperLease;
  /** It starts on what another one has written. */
  readonly isFork: boolean;
}

/**
 * Reserves the id, writes the record down, then acquires what it names.
 *
 * @param draft called once, without an await between looking whether there is room and taking it
 */
export async function bringUp(parts: SandboxParts, draft: () => Draft): Promise<Sandbox> {
  const drafted = draft();
  const sandbox = new Sandbox(drafted.record, 'creating');
  parts.registry.reserve(sandbox);
  sandbox.creating = make(sandbox, drafted, parts);
  await sandbox.creating;
  return sandbox;
}

async function make(sandbox: Sandbox, draft: Draft, parts: SandboxParts): Promise<void> {
  await using scope = new Scope();
  scope.defer(() => undo(sandbox, parts));
  await parts.records.note(sandbox.record);
  sandbox.recorded = true;

  await allDone([openLog(sandbox, parts), startMachine(sandbox, draft, parts)]);
  checkStillWanted(sandbox);

  const running: SandboxRecord = { ...sandbox.record, state: 'running' };
  await parts.records.put(running);
  checkStillWanted(sandbox);
  sandbox.record = running;
  sandbox.state = sandbox.watch === undefined ? 'stopped' : 'running';
  scope.move();
}

async function startMachine(sandbox: Sandbox, { upper, isFork }: Draft, parts: SandboxParts): Promise<void> {
  await allDone([mountLayers(sandbox, parts), upper.make()]);
  checkStillWanted(sandbox);
  const machine = await parts.runtime.start(machineSpecOf(sandbox.record, { isFork }));
  sandbox.runOn(MachineWatch.ofStarted(machine, parts.log));
}

function describe(
  request: CreateRequest,
  made: { layers: readonly Sidecar[]; upper: UpperId; upperLimitBytes: number; parts: SandboxParts },
): SandboxRecord {
  return {
    format: RECORD_FORMAT,
    id: request.id,
    state: 'creating',
    layers: made.layers.map((layer) => ({ name: layer.name, digest: layer.sha256 })),
    snapshots: [],
    restacking: false,
    env: sandboxEnvironment(made.layers.map((layer) => layer.env)),
    upper: made.upper,
    upperKind: made.parts.upperKind,
    upperLimitBytes: made.upperLimitBytes,
    owner: request.owner,
    task: request.task,
    cpu: request.cpu,
    memoryMiB: request.memoryMiB,
    maxLifetimeSeconds: request.maxLifetimeSeconds,
    allowNet: request.allowNet ?? null,
    nesting: request.nesting,
    created: made.parts.now().toISOString(),
  };
}

/** Kernel: pages of a tmpfs are charged to who wrote them, so one near the memory limit would end in the OOM killer instead of ENOSPC. */
function upperSize(request: CreateRequest, parts: SandboxParts): number {
  if (parts.upperKind !== 'tmpfs') return parts.upperLimitBytes;
  return Math.min(parts.upperLimitBytes, Math.floor(request.memoryMiB / 2) * MIB);
}

function checkUsable(request: CreateRequest, { status }: SandboxParts): void {
  if (!status.usable)
    throw new SandboxError('RUNTIME_UNAVAILABLE', `Cannot create sandbox "${request.id}": ${status.reason}`);
}

function checkStillWanted(sandbox: Sandbox): void {
  if (sandbox.state === 'destroying')
    throw new SandboxError('SANDBOX_BUSY', `Cannot create sandbox "${sandbox.id}": it was destroyed meanwhile`);
}

/** Never throws, so that what the caller gets is the cause. What could not be undone stays as `failed`, for destroy or the next daemon. */
async function undo(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  try {
    await tearDown(sandbox, parts);
  } catch (error) {
    sandbox.state = 'failed';
    parts.log.error({ err: error, id: sandbox.id }, 'Cannot undo a create that failed');
  }
}
