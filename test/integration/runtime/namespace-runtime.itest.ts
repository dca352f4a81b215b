import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Digest } from '../../../src/domain/ids.ts';
import { runtimeContract } from '../../contracts/runtime-contract.ts';
import { fillBusyboxBase, publishFixture } from '../../support/fixture-layers.ts';
import { RelayedBroker } from '../../support/relayed-broker.ts';
import { run } from '../../support/run.ts';

let dataFolder: string;
/** Top first. */
let layers: Digest[];

beforeAll(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'contract-'));
  run(['chmod', '711', dataFolder]);
  const base = publishFixture(dataFolder, '000-base-test', fillBusyboxBase);
  const top = publishFixture(dataFolder, '100-top', (folder) => writeFileSync(join(folder, 'top'), 'top\n'));
  layers = [top, base];
});
afterAll(() => rmSync(dataFolder, { recursive: true }));

runtimeContract('NamespaceRuntime', async () => {
  const broker = await RelayedBroker.start(dataFolder);
  return {
    runtime: broker.runtime,
    layers,
    idlePids: 3,
    reconnect: () => broker.connect(),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
});
