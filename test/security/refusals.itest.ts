// Each attempt is first shown to reach the kernel with the protection off, then to be refused to root of a sandbox.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INSTALLED } from '../support/installed.ts';
import { run } from '../support/run.ts';
import { FILES } from './attempts/files.ts';
import { KERNEL, SOCKETS } from './attempts/kernel.ts';
import { MOUNTS } from './attempts/mounts.ts';
import { PROCESSES } from './attempts/processes.ts';
import type { Attempt } from './support/attempt.ts';
import { HostileInstallation } from './support/hostile.ts';
import { answerUnprotected, hasResourceCapability } from './support/unprotected.ts';

const NODES = [
  ['urandom', 'c', '1', '9'],
  ['kmsg', 'c', '1', '11'],
  ['loop', 'b', '7', '0'],
] as const;

let installation: HostileInstallation;
let image: string;

/** Publishes a layer of device nodes with the command that people use. */
function publishDevices(dataFolder: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'devices-'));
  mkdirSync(join(tree, 'devices'));
  for (const [name, ...node] of NODES) {
    const made = run(['mknod', '-m', '666', join(tree, 'devices', name), ...node]);
    expect(made.status, made.stderr).toBe(0);
  }
  const command = [`${INSTALLED}/node`, `${INSTALLED}/squash.mjs`, 'sq-mkmod', 'from-dir', tree, '300-devices'];
  const built = run(command, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SQUASH_DATA: dataFolder } });
  rmSync(tree, { recursive: true });
  expect(built.status, built.stderr).toBe(0);
  return join(dataFolder, 'modules/300-devices.squashfs');
}

beforeAll(async () => {
  installation = await HostileInstallation.start();
  image = publishDevices(installation.host.dataFolder);
  await installation.create('hostile', { layers: ['000-base-test', '200-probe', '300-devices'] });
});
afterAll(() => installation?.[Symbol.asyncDispose]());

test('the layer holds the devices', async () => {
  const { stdout } = await installation.exec('hostile', 'stat -c "%n %F %a %t %T" /devices/*');
  expect(stdout.trim().split('\n')).toEqual([
    '/devices/kmsg character special file 666 1 b',
    '/devices/loop block special file 666 7 0',
    '/devices/urandom character special file 666 1 9',
  ]);
});

const groups: ReadonlyArray<readonly [string, readonly Attempt[]]> = [
  ['devices, /proc and /sys', FILES],
  ['mounts and namespaces', MOUNTS],
  ['the kernel', KERNEL],
  ['sockets', SOCKETS],
  ['the agent, limits and capabilities', PROCESSES],
];

describe.each(groups)('%s', (_group, attempts) => {
  test.for(attempts)('$what', async (attempt, context) => {
    const { probe, unprotected, inside, absent } = attempt;
    const words = (layer: string) => probe.split(' ').map((word) => word.replace('%layer', layer));
    const within = await installation.answer('hostile', words(''));
    expect(within).toBeOneOf([inside, absent ?? []].flat());
    context.skip(attempt.needsResourceCapability === true && !hasResourceCapability(), 'root has no CAP_SYS_RESOURCE');
    const options = attempt.inUserNamespace ? { inUserNamespace: true } : { image };
    const without = answerUnprotected(installation.probe, words('/mnt'), options);
    context.skip(without === absent, `this kernel was built without it: ${absent}`);
    expect(without).toBeOneOf([unprotected].flat());
    expect(within).toBeOneOf([inside].flat());
    expect(within).not.toBe(without);
  });
});

test('the tables are not empty', () => {
  expect(groups.map(([, attempts]) => attempts.length > 9)).toEqual([true, true, true, true, true]);
});
