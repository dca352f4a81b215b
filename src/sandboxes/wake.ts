import { SandboxError } from '../domain/errors.ts';
import { settlesWithin } from '../lib/deadline.ts';
import { MachineWatch, NEWS_OF_DEATH_MS } from '../processes/machine-watch.ts';
import { machineSpecOf } from './machine-spec.ts';
import { mountLayers, type SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * The machine of a sandbox, started again when it is stopped.
 *
 * @throws SANDBOX_BUSY while it is being created or destroyed, and what starting it throws
 */
export async function runningMachine(sandbox: Sandbox, parts: SandboxParts): Promise<MachineWatch> {
  sandbox.checkUsable();
  await sandbox.restacking;
  sandbox.checkUsable();
  return sandbox.watch ?? (await wake(sandbox, parts));
}

/** Does something with the machine of a sandbox, and does it again when the machine turns out to have died before: for what can be begun twice. */
export async function withMachine<T>(
  sandbox: Sandbox,
  parts: SandboxParts,
  work: (watch: MachineWatch) => Promise<T>,
): Promise<T> {
  const watch = await runningMachine(sandbox, parts);
  try {
    return await work(watch);
  } catch (error) {
    // It died before the work began, and nobody had heard of it yet.
    const silent = error instanceof SandboxError && error.code === 'AGENT_FAILED';
    if (!silent || !(await settlesWithin(watch.machine.exited, NEWS_OF_DEATH_MS))) throw error;
    return work(await runningMachine(sandbox, parts));
  }
}

/** Starts the machine of a stopped sandbox over the data that it left; once for all who wait for it. */
function wake(sandbox: Sandbox, parts: SandboxParts): Promise<MachineWatch> {
  sandbox.starting ??= start(sandbox, parts).finally(() => {
    sandbox.starting = undefined;
  });
  return sandbox.starting;
}

async function start(sandbox: Sandbox, parts: SandboxParts): Promise<MachineWatch> {
  const { record } = sandbox;
  try {
    // What is left of the dead one: its mounts, its cgroups.
    await parts.runtime.stopMachine(sandbox.label);
    await mountLayers(sandbox, parts);
    await parts.runtime.attachUpper(record.upper);
    const watch = MachineWatch.ofStarted(await parts.runtime.start(machineSpecOf(record)), parts.log);
    sandbox.runOn(watch);
    // A destroy that began meanwhile waits for this, and takes the machine down again.
    if (sandbox.state !== 'destroying') sandbox.state = 'running';
    return watch;
  } catch (error) {
    if (sandbox.state !== 'destroying') sandbox.state = 'failed';
    throw error;
  }
}
