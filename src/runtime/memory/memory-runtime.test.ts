import { type RuntimeHarness, runtimeContract } from '../../../test/contracts/runtime-contract.ts';
import type { Digest } from '../../domain/ids.ts';
import { MemoryHost } from './memory-host.ts';
import { MemoryRuntime } from './memory-runtime.ts';

async function makeHarness(): Promise<RuntimeHarness> {
  const host = new MemoryHost();
  const layers = ['a'.repeat(64), 'b'.repeat(64)] as Digest[];
  for (const digest of layers) host.stored.add(digest);
  host.freeBytes = 2 ** 40;
  let runtime = new MemoryRuntime(host);
  return {
    runtime,
    layers,
    idlePids: 1,
    reconnect: async () => {
      await runtime[Symbol.asyncDispose]();
      runtime = new MemoryRuntime(host);
      return runtime;
    },
    [Symbol.asyncDispose]: async () => {
      await runtime[Symbol.asyncDispose]();
      for (const machine of host.machines.values()) machine.die();
    },
  };
}

runtimeContract('MemoryRuntime', makeHarness);
