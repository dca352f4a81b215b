import { settlesWithin } from '../lib/deadline.ts';
import { folderOf, type SandboxParts } from './parts.ts';
import { removeFolder } from './remove-folder.ts';
import type { Sandbox } from './sandbox.ts';

// Commands end by themselves half a second after their machine at the latest.
const LAST_ANSWERS_MS = 1000;

/**
 * The one way down, for a sandbox that is whole, half made, or found after a crash. Every step can be done twice, so that whoever comes after
 * a failure or a `kill -9` begins again at the top; the record goes last.
 */
export async function tearDown(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  sandbox.state = 'destroying';
  sandbox.watch?.expectEnd();
  await parts.runtime.stopMachine(sandbox.label);
  await settlesWithin(sandbox.idle(), LAST_ANSWERS_MS);
  // A snapshot or a change of the root that had begun has failed with the machine, or is about to be through.
  await sandbox.inTurn(async () => {});
  await sandbox.chores;
  await sandbox.log?.close();
  sandbox.log = undefined;
  await sandbox.layers?.[Symbol.asyncDispose]();
  sandbox.layers = undefined;
  await parts.runtime.dropUpper(sandbox.record.upper);
  await removeFolder(folderOf(sandbox.id, parts));
  if (sandbox.recorded) await parts.records.remove(sandbox.id);
  parts.registry.release(sandbox);
}
