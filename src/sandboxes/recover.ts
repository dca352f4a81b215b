import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../domain/errors.ts';
import { MachineWatch } from '../processes/machine-watch.ts';
import type { RuntimeInventory } from '../runtime/runtime.ts';
import { mountLayers, openLog, type SandboxParts } from './parts.ts';
import { removeFolder } from './remove-folder.ts';
import { Sandbox } from './sandbox.ts';
import { tearDown } from './tear-down.ts';
import type { SandboxRecord } from './types.ts';

/**
 * What a starting daemon does with what it finds: sandboxes that were acknowledged are taken over, with their machines where these still run;
 * half-made and half-destroyed ones are taken down; things that no record names are swept away.
 * It can be killed at any point and begun again.
 */
export async function recoverSandboxes(records: readonly SandboxRecord[], parts: SandboxParts): Promise<void> {
  const sandboxes = records.map((record) => new Sandbox(record, record.state === 'running' ? 'stopped' : 'destroying'));
  for (const sandbox of sandboxes) {
    sandbox.recorded = true;
    parts.registry.admit(sandbox);
  }
  const found = await parts.runtime.inventory();
  await sweepMachines(found, parts);
  await Promise.all(sandboxes.map((sandbox) => recoverOne(sandbox, parts)));
  await sweepRest(found, parts);
  await parts.layers.collect();
}

async function recoverOne(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  const { state } = sandbox.record;
  try {
    await (state === 'running' ? takeOver(sandbox, parts) : tearDown(sandbox, parts));
    parts.log.info({ id: sandbox.id, was: state, state: sandbox.state }, 'Recovered sandbox');
  } catch (error) {
    // One sandbox that cannot be had back must not keep the others from their clients; it can be destroyed, and its next exec tries again.
    if (isBrokerGone(error)) throw error;
    if (sandbox.watch === undefined) sandbox.state = 'failed';
    parts.log.error({ err: error, id: sandbox.id, was: state }, 'Cannot recover sandbox as a whole');
  }
}

async function takeOver(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  await openLog(sandbox, parts);
  const machine = sandbox.record.restacking ? undefined : await parts.runtime.adopt(sandbox.label);
  if (machine !== undefined) {
    sandbox.state = 'running';
    sandbox.runOn(await MachineWatch.ofAdopted(machine, parts.log));
  } else {
    await parts.runtime.stopMachine(sandbox.label);
    await parts.runtime.attachUpper(sandbox.record.upper);
    if (sandbox.record.restacking) {
      sandbox.record = { ...sandbox.record, restacking: false };
      await parts.records.note(sandbox.record);
    }
  }
  await mountLayers(sandbox, parts);
}

async function sweepMachines(found: RuntimeInventory, parts: SandboxParts): Promise<void> {
  const known = new Set(parts.registry.all().map((sandbox) => sandbox.label));
  const strange = found.machines.filter((label) => !known.has(label));
  await Promise.all(
    strange.map((label) => sweep('machine', label, { parts, drop: () => parts.runtime.stopMachine(label) })),
  );
}

/** After the machines, which held them. */
async function sweepRest(found: RuntimeInventory, parts: SandboxParts): Promise<void> {
  const sandboxes = parts.registry.all();
  const uppers = new Set(sandboxes.map((sandbox) => sandbox.record.upper));
  const ids = new Set<string>(sandboxes.map((sandbox) => sandbox.id));
  const strangeUppers = found.uppers.filter((id) => !uppers.has(id));
  const strangeFolders = (await readdir(parts.dir)).filter((name) => !ids.has(name));
  await Promise.all([
    parts.layers.sweep(found.layers),
    ...strangeUppers.map((id) => sweep('upper', id, { parts, drop: () => parts.runtime.dropUpper(id) })),
    ...strangeFolders.map((name) => sweep('folder', name, { parts, drop: () => removeFolder(join(parts.dir, name)) })),
  ]);
}

async function sweep(
  kind: string,
  name: string,
  { parts, drop }: { parts: SandboxParts; drop: () => Promise<boolean> | Promise<void> },
): Promise<void> {
  try {
    // A folder that holds only snapshots stays.
    if ((await drop()) === false) return;
    parts.log.info({ kind, name }, 'Swept away what no record names');
  } catch (error) {
    if (isBrokerGone(error)) throw error;
    parts.log.error({ err: error, kind, name }, 'Cannot sweep away what no record names');
  }
}

function isBrokerGone(error: unknown): boolean {
  return error instanceof SandboxError && error.code === 'BROKER_GONE';
}
