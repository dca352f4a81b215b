import { expect, test } from 'vitest';
import { newUpperId, type UpperId } from '../../src/domain/ids.ts';
import type { Machine } from '../../src/runtime/runtime.ts';
import { NOBODY_KNOWS, run, start } from './machine-commands.ts';
import type { RuntimeHarness } from './runtime-contract.ts';

export interface StackSite {
  readonly harness: () => RuntimeHarness;
  /** That the machine is started with. */
  readonly upper: () => UpperId;
  readonly startMachine: () => Promise<Machine>;
  readonly makeUpper: (id: UpperId) => Promise<UpperId>;
  readonly expectIdle: (machine: Machine) => Promise<void>;
}

/** What changes or keeps the root file system of a machine that runs. */
export function stackContract(site: StackSite): void {
  test('restack() gives another upper and other layers to a machine that runs on', async () => {
    const machine = await site.startMachine();
    await run(machine, 'echo old > /root/file');
    const other = await site.makeUpper(newUpperId());
    await machine.restack({ layers: site.harness().layers, upper: other });
    expect(await run(machine, 'echo new > /root/other; cat /root/file')).toMatchObject({ stdout: '', exitCode: 1 });
    await machine.restack({ layers: site.harness().layers, upper: site.upper() });
    expect((await run(machine, 'cat /root/file; cat /root/other')).stdout).toBe('old\n');
    await site.expectIdle(machine);
  });

  test('restack() changes nothing when it fails, or while a file of the old root is in use', async () => {
    const machine = await site.startMachine();
    const other = await site.makeUpper(newUpperId());
    const missing = { layers: [NOBODY_KNOWS, ...site.harness().layers], upper: other };
    await expect(machine.restack(missing)).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
    await run(machine, 'echo old > /root/file');
    const { process } = await start(machine, { argv: ['sleep', '1000'], workdir: '/root' });
    await expect(machine.restack({ layers: site.harness().layers, upper: other })).rejects.toMatchObject({
      code: 'SANDBOX_BUSY',
    });
    expect((await run(machine, 'cat /root/file')).stdout).toBe('old\n');
    await process[Symbol.asyncDispose]();
    await site.expectIdle(machine);
    await machine.restack({ layers: site.harness().layers, upper: other });
    expect((await run(machine, 'cat /root/file')).stdout).toBe('');
  });

  test('capture() packs the upper into the store, equal content as equal bytes, and it can be a layer', async () => {
    const machine = await site.startMachine();
    await run(machine, 'echo one > /root/file; echo two > /root/other');
    const options = { upper: site.upper(), of: 'upper' as const, layers: [], timeoutSeconds: 60 };
    const first = await machine.capture(options);
    expect(await machine.capture(options)).toMatchObject({ digest: first.digest, sizeBytes: first.sizeBytes });
    expect(first.sizeBytes).toBeGreaterThan(0);
    expect(first.lost).toMatchObject({ sockets: 0, accessLists: 0, times: 0, attributes: 0 });
    await site.harness().runtime.attachLayer(first.digest);
    const layers = [first.digest, ...site.harness().layers];
    const other = await site.makeUpper(newUpperId());
    await machine.restack({ layers, upper: other });
    expect((await run(machine, 'cat /root/file; echo changed > /root/file; cat /root/file')).stdout).toBe(
      'one\nchanged\n',
    );
    const merged = await machine.capture({
      upper: other,
      of: 'upper' as const,
      layers: [first.digest],
      timeoutSeconds: 60,
    });
    await site.harness().runtime.attachLayer(merged.digest);
    await machine.restack({
      layers: [merged.digest, ...site.harness().layers],
      upper: await site.makeUpper(newUpperId()),
    });
    expect((await run(machine, 'cat /root/file; cat /root/other')).stdout).toBe('changed\ntwo\n');
  });

  test('capture() of an upper that the machine does not have, or of a machine that is gone, fails', async () => {
    const machine = await site.startMachine();
    const options = { of: 'upper' as const, layers: [], timeoutSeconds: 60 };
    await expect(machine.capture({ ...options, upper: newUpperId() })).rejects.toThrow(/upper/);
    await machine.stop();
    await machine.exited;
    await expect(machine.capture({ ...options, upper: site.upper() })).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  });
}
