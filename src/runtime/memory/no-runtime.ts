import { SandboxError } from '../../domain/errors.ts';
import type { Runtime, RuntimeInventory, RuntimeStatus } from '../runtime.ts';

const REASON = 'SQUASH_BACKEND=memory isolates nothing, so no command runs on it';

/**
 * `SQUASH_BACKEND=memory` as a user meets it: health and layers answer, and a create says what is missing. It is not the fake that unit
 * tests stand on: that one would answer a create with a sandbox that is none.
 */
export class NoRuntime implements Runtime {
  readonly backend = 'memory';
  readonly lost = new Promise<void>(() => {});

  async probe(): Promise<RuntimeStatus> {
    return { usable: false, reason: REASON };
  }

  async ready(): Promise<void> {}

  async inventory(): Promise<RuntimeInventory> {
    return { machines: [], uppers: [], layers: [] };
  }

  publishLayer = unavailable;
  attachLayer = unavailable;
  detachLayer = unavailable;
  removeLayer = unavailable;
  makeUpper = unavailable;
  attachUpper = unavailable;
  dropUpper = unavailable;
  cloneUpper = unavailable;
  upperUsage = unavailable;
  start = unavailable;
  adopt = unavailable;
  stopMachine = unavailable;

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function unavailable(): Promise<never> {
  throw new SandboxError('RUNTIME_UNAVAILABLE', `Cannot use sandboxes: ${REASON}`, {
    hint: 'Start it with script/squashd as root, without SQUASH_BACKEND',
  });
}
