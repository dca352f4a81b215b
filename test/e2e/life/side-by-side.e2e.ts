import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';
import { run } from '../../support/run.ts';
import { initPid, processesOf } from '../../support/sandbox-on-host.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';
let installations: Installation[];

beforeAll(async () => {
  installations = await Promise.all([Installation.start(), Installation.start(), Installation.start()]);
});
afterAll(async () => {
  await Promise.all(installations.map((each) => each[Symbol.asyncDispose]()));
});

const create = (installation: Installation, id: string) => installation.call('POST', SANDBOXES, { id, memory_mb: 64 });

async function exec(installation: Installation, id: string, cmd: string): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `${SANDBOXES}/${id}/exec`, { cmd });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

const idsOf = async (installation: Installation) =>
  ((await installation.call('GET', SANDBOXES)).body as SandboxInfo[]).map(({ id }) => id);

/** First user id of a sandbox on the host, and its groups. */
function traitsOf(installation: Installation, id: string): { firstUid: number; groups: string } {
  const init = initPid(installation.runFolder, id);
  const firstUid = Number(readFileSync(`/proc/${init}/uid_map`, 'utf8').trim().split(/\s+/)[1]);
  return { firstUid, groups: readFileSync(`/proc/${init}/cgroup`, 'utf8') };
}

test('installations that start together take blocks of ids and groups that never meet', async () => {
  await Promise.all(installations.map((each) => create(each, 'same')));
  await Promise.all(installations.map((each, i) => exec(each, 'same', `echo ${i} > /root/me`)));
  const traits = installations.map((each) => traitsOf(each, 'same'));
  // 1024 sandboxes of 65,536 ids each.
  expect(new Set(traits.map(({ firstUid }) => Math.floor(firstUid / 2 ** 26))).size).toBe(3);
  expect(new Set(traits.map(({ groups }) => groups)).size).toBe(3);
  for (const [i, each] of installations.entries())
    expect(await exec(each, 'same', 'cat /root/me')).toMatchObject({ stdout: `${i}\n`, seq: 2 });
});

test('what one does to its sandbox leaves those of the same name alone', async () => {
  const [first, second, third] = installations as [Installation, Installation, Installation];
  expect(await first.call('DELETE', `${SANDBOXES}/same`)).toMatchObject({ status: 204 });
  expect(await idsOf(first)).toEqual([]);
  for (const each of [second, third]) {
    expect(await idsOf(each)).toEqual(['same']);
    expect(processesOf(initPid(each.runFolder, 'same')).length).toBeGreaterThan(0);
  }
  expect(await create(first, 'same')).toMatchObject({ status: 201 });
});

test('one that is killed, starts again and sweeps finds only its own', async () => {
  const [first, second, third] = installations as [Installation, Installation, Installation];
  const before = initPid(second.runFolder, 'same');
  first.killDaemon();
  await first.stop('SIGKILL');
  expect(await exec(second, 'same', 'cat /root/me')).toMatchObject({ stdout: '1\n' });
  await first.start();
  await third.stop();
  await third.start();
  expect(initPid(second.runFolder, 'same')).toBe(before);
  for (const each of installations) expect(await idsOf(each)).toEqual(['same']);
  expect(await exec(third, 'same', 'cat /root/me')).toMatchObject({ stdout: '2\n' });
});

test('a state root has one broker: a second one is refused, and changes nothing', async () => {
  const [first] = installations as [Installation];
  const second = ['serve', '--data', first.dataFolder, '--uid-base', Installation.uidBase, '--ready', '0'];
  const answer = run([
    `${INSTALLED}/squash-broker`,
    ...second,
    '--agent',
    `${INSTALLED}/squash-agent`,
    '--',
    '/bin/true',
  ]);
  expect(answer).toMatchObject({ status: 1, stderr: expect.stringContaining('another squash-broker serves') });
  expect(await exec(first, 'same', 'echo still')).toMatchObject({ stdout: 'still\n' });
});
