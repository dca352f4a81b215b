import { SandboxError } from '../domain/errors.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';
import { tearDown } from './tear-down.ts';

/**
 * Ends a sandbox, whatever it is doing: a create stops at its next step and is undone, commands are killed.
 * All who ask at once share one destroy. Once it has begun, a crash is finished by the next daemon.
 *
 * @returns when nothing of it is left
 */
export function destroySandbox(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  sandbox.destroying ??= destroy(sandbox, parts).finally(() => {
    sandbox.destroying = undefined;
  });
  return sandbox.destroying;
}

async function destroy(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  sandbox.state = 'destroying';
  await Promise.allSettled([sandbox.creating, sandbox.starting]);
  // A create that failed has undone itself.
  if (!parts.registry.has(sandbox)) return;
  sandbox.state = 'destroying';
  try {
    await recordIntent(sandbox, parts);
    await tearDown(sandbox, parts);
  } catch (error) {
    sandbox.state = 'failed';
    throw error;
  }
}

/** On a full disk destroy must work all the more, as it is what makes room: a crash in the middle then leaves a sandbox without its data. */
async function recordIntent(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  try {
    await parts.records.put({ ...sandbox.record, state: 'destroying' });
  } catch (error) {
    if (!(error instanceof SandboxError && error.code === 'NO_SPACE')) throw error;
    parts.log.warn({ err: error, id: sandbox.id }, 'Destroying a sandbox without a record of it');
  }
}
