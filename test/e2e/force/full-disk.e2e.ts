import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { SmallDisk } from '../../support/small-disk.ts';

const MIB = 1024 * 1024;
const ENV = { SQUASH_UPPER_LIMIT_MB: '16', SQUASH_READY_UPPERS: '0', SQUASH_DISK_RESERVE_MB: '8' };
let disk: SmallDisk;
let installation: Installation;

beforeEach(async () => {
  disk = new SmallDisk(96 * MIB);
  installation = await Installation.start({ parent: disk.folder, env: ENV });
});
afterEach(async () => {
  await installation[Symbol.asyncDispose]();
  await disk[Symbol.asyncDispose]();
});

const create = (id: string) => installation.call('POST', '/cgi-bin/api/sandboxes', { id, memory_mb: 64 });
const destroy = (id: string) => installation.call('DELETE', `/cgi-bin/api/sandboxes/${id}`);

async function exec(id: string, cmd: string): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd, timeout: 60 });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

/** Takes all of the host's disk but so many bytes; then those too. */
function fillHost(): string {
  const path = join(disk.folder, 'ballast');
  for (let size = disk.freeBytes; size >= 4096; size = Math.floor(size / 2))
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  expect(disk.freeBytes).toBeLessThan(64 * 1024);
  return path;
}

test('a full writable layer gives ENOSPC inside, and everything else goes on', async () => {
  for (const id of ['full', 'other']) expect(await create(id)).toMatchObject({ status: 201 });
  expect(await exec('full', 'echo before > /root/before; sync')).toMatchObject({ exit_code: 0 });
  const filled = await exec('full', 'cat /dev/zero > /root/big');
  expect(filled.exit_code).not.toBe(0);
  expect(filled.stderr).toContain('No space left on device');
  const again = await exec('full', 'cat /root/before; dd if=/dev/zero of=/root/more bs=1M count=8');
  expect(again).toMatchObject({ stdout: 'before\n', stderr: expect.stringContaining('No space left on device') });
  expect(await exec('other', 'echo fine > /root/file; cat /root/file')).toMatchObject({ stdout: 'fine\n' });
  expect(await create('third')).toMatchObject({ status: 201 });
  const { body } = await installation.call('GET', '/cgi-bin/api/sandboxes/full');
  const { upper_bytes, upper_limit_bytes } = body as SandboxInfo;
  expect(upper_bytes).toBeGreaterThan(10 * MIB);
  expect(upper_limit_bytes).toBe(16 * MIB);
  expect(await exec('full', 'rm /root/big; echo after > /root/after; cat /root/after')).toMatchObject({
    stdout: 'after\n',
  });
  for (const id of ['full', 'other', 'third']) expect(await destroy(id)).toMatchObject({ status: 204 });
});

test('a full host takes no new sandbox, and loses nothing of those that are there', async () => {
  for (const id of ['a', 'b']) expect(await create(id)).toMatchObject({ status: 201 });
  const ballast = fillHost();
  expect(await create('c')).toEqual({ status: 503, body: { error: 'no space for a writable layer' } });
  expect(await installation.call('GET', '/cgi-bin/api/sandboxes/c')).toMatchObject({ status: 404 });

  // Their space is theirs already: they write on, to the disk.
  const write = 'for i in 1 2 3 4; do dd if=/dev/zero of=/root/$i bs=1M count=1 conv=fsync 2>/dev/null || exit; done';
  for (const id of ['a', 'b']) {
    expect(await exec(id, `${write}; echo ${id} > /root/name; sync; echo synced`)).toMatchObject({
      stdout: 'synced\n',
    });
    expect(await exec(id, 'cat /bin/busybox | wc -c; cat /root/name; touch /tmp/w && echo writable')).toMatchObject({
      exit_code: 0,
      stdout: expect.stringMatching(new RegExp(`^\\d{6,}\n${id}\nwritable\n$`)),
    });
  }

  // From the disk, not from memory.
  installation.killDaemon();
  await installation.stop('SIGKILL');
  await installation.start();
  for (const id of ['a', 'b'])
    expect(await exec(id, 'cat /root/name; cat /root/[1-4] | wc -c')).toMatchObject({
      stdout: `${id}\n${4 * MIB}\n`,
    });
  expect(await create('c')).toMatchObject({ status: 503 });

  // Destroy makes room where there is none.
  expect(await destroy('b')).toMatchObject({ status: 204 });
  expect(await create('b')).toMatchObject({ status: 503 });
  rmSync(ballast);
  expect(await create('c')).toMatchObject({ status: 201 });
  expect(await exec('c', 'echo room')).toMatchObject({ stdout: 'room\n' });
  for (const id of ['a', 'c']) expect(await destroy(id)).toMatchObject({ status: 204 });
});

test('the reserve of the host is kept', async () => {
  writeFileSync(join(disk.folder, 'ballast'), Buffer.alloc(disk.freeBytes - 40 * MIB));
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(create));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 503, 503, 503]);
  expect(disk.freeBytes).toBeGreaterThanOrEqual(8 * MIB);
});
