import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SandboxError } from '../../../src/domain/errors.ts';
import { type Digest, labelOf, newUpperId, parseSandboxId } from '../../../src/domain/ids.ts';
import type { ExitReport, Machine } from '../../../src/runtime/runtime.ts';
import { fillBusyboxBase, publishFixture } from '../../support/fixture-layers.ts';
import { RelayedBroker } from '../../support/relayed-broker.ts';
import { run } from '../../support/run.ts';

const MIB = 1024 * 1024;

let dataFolder: string;
let layer: Digest;

beforeAll(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'kill-'));
  run(['chmod', '711', dataFolder]);
  layer = publishFixture(dataFolder, '000-base-test', fillBusyboxBase);
});
afterAll(() => rmSync(dataFolder, { recursive: true }));

async function startMachine({ runtime }: RelayedBroker): Promise<Machine> {
  const upper = newUpperId();
  await runtime.attachLayer(layer);
  await runtime.makeUpper(upper, { kind: 'disk', sizeBytes: 32 * MIB, reserveBytes: 0, sparse: true });
  const limits = { cpuCount: 1, memoryBytes: 128 * MIB, pidsMax: 64 };
  const label = labelOf(parseSandboxId('kill'));
  return runtime.start({ label, hostname: 'kill', layers: [layer], upper, limits, nesting: false });
}

/** How a command ends, or `lost` when its supervisor is gone before it can say so. */
async function outcomeOf(machine: Machine, script: string): Promise<ExitReport | 'lost'> {
  const request = {
    env: { PATH: '/bin' },
    workdir: '/',
    uid: 0,
    gid: 0,
    groups: [],
    stdin: false,
    forwardLimitBytes: 0,
  };
  try {
    const process = await machine.exec({ ...request, argv: ['/bin/sh', '-c', script] }, { onOutput: () => {} });
    return await process.exited;
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'AGENT_FAILED') return 'lost';
    throw error;
  }
}

const STOP_SUPERVISOR = `
  kill -STOP $PPID
  until grep -q "^State:.T" /proc/$PPID/status; do :; done
  echo >/root/stopped
  sleep 1000`;

test('killTree() of a supervisor that never said who it is takes one that was stopped, and no other', async () => {
  await using broker = await RelayedBroker.start(dataFolder);
  const machine = await startMachine(broker);
  const other = outcomeOf(machine, 'sleep 2; exit 3');
  const victim = outcomeOf(machine, STOP_SUPERVISOR);
  // A stopped supervisor passes nothing on: another command tells.
  expect(await outcomeOf(machine, 'until [ -s /root/stopped ]; do :; done')).toMatchObject({ exitCode: 0 });
  expect(await machine.killTree(undefined)).toEqual({ escalated: false });
  expect(await victim).toBe('lost');
  expect(await other).toMatchObject({ exitCode: 3, strangerKills: 0 });
});
