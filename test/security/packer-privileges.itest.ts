// squash-packer as the host sees it while it works, and mksquashfs, its child.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation } from '../support/installation.ts';
import { initPid } from '../support/sandbox-on-host.ts';
import { startedAs } from './support/packers.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';
const PROGRAMS = ['squash-packer', 'mksquashfs'] as const;
/** capabilities(7): bit 2 is CAP_DAC_READ_SEARCH. */
const ONLY_READ = '0000000000000004';

let installation: Installation;
let snapshot: Promise<{ status: number; body: unknown }>;
const pids = { 'squash-packer': 0, mksquashfs: 0, init: 0 };

beforeAll(async () => {
  installation = await Installation.start();
  for (const id of ['packed', 'other']) await installation.call('POST', SANDBOXES, { id });
  await installation.call('POST', `${SANDBOXES}/packed/exec`, { cmd: 'truncate -s 200G /huge' });
  pids.init = initPid(installation.runFolder, 'packed');
  snapshot = installation.call('POST', `${SANDBOXES}/packed/snapshot`, { label: 'long' });
});
afterAll(() => installation?.[Symbol.asyncDispose]());

test('a capture is one packer and one mksquashfs', async () => {
  await expect.poll(() => startedAs('mksquashfs').length).toBe(1);
  expect(startedAs('squash-packer').length).toBe(1);
  for (const name of PROGRAMS) pids[name] = startedAs(name)[0] ?? 0;
});

describe.each(PROGRAMS)('%s', (program) => {
  const status = (name: string) =>
    new RegExp(`^${name}:[\\t ]*(.*)$`, 'm').exec(readFileSync(`/proc/${pids[program]}/status`, 'utf8'))?.[1];

  test("runs as the root of the sandbox's ids, which is nobody on the host", () => {
    const [inside, outside, count] = readFileSync(`/proc/${pids[program]}/uid_map`, 'utf8').trim().split(/\s+/);
    expect([inside, count]).toEqual(['0', '65536']);
    expect(Number(outside)).toBeGreaterThanOrEqual(Number(Installation.uidBase));
    expect(status('Uid')).toBe(Array(4).fill(outside).join('\t'));
    expect(status('Gid')).toBe(Array(4).fill(outside).join('\t'));
    expect(status('Groups')?.trim()).toBe('');
  });

  test('may read and search, and nothing more, and gains nothing', () => {
    expect(status('CapBnd')).toBe(ONLY_READ);
    expect(['CapInh', 'CapAmb'].map(status)).toEqual(Array(2).fill('0000000000000000'));
    expect([ONLY_READ, '0000000000000000']).toContain(status('CapEff'));
    expect(status('NoNewPrivs')).toBe('1');
    expect(status('Seccomp')).toBe('2');
  });

  test.each(['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])(
    'has a %s namespace that is neither the host’s nor the sandbox’s',
    (name) => {
      const links = [pids[program], pids.init, 'self'].map((pid) => readlinkSync(`/proc/${pid}/ns/${name}`));
      expect(new Set(links).size).toBe(3);
    },
  );

  test('sees the writable layer, programs of the host, and one file that it may write', () => {
    const lines = readFileSync(`/proc/${pids[program]}/mountinfo`, 'utf8').trim().split('\n');
    const mounts = lines.map((line) => line.split(' ').slice(4, 6) as [string, string]);
    const writable = mounts.filter(([, options]) => !options.split(',').includes('ro')).map(([point]) => point);
    expect(writable.toSorted()).toEqual(['/dev/null', '/image']);
    expect(mounts.map(([point]) => point)).toEqual(expect.arrayContaining(['/', '/0', '/usr', '/image', '/dev/null']));
    for (const [point, options] of mounts) {
      expect(point).toMatch(/^\/(|0|usr|bin|lib|lib32|lib64|image|dev\/null)$/);
      expect(options).toMatch(/\bnosuid\b/);
    }
    expect(readdirSync(`/proc/${pids[program]}/root`).toSorted()).toEqual(
      expect.not.arrayContaining(['proc', 'sys', 'etc', 'root', 'home', 'run', 'var']),
    );
  });

  test('has no descriptor but its pipes, its image and what it packs', () => {
    const folder = `/proc/${pids[program]}/fd`;
    const open = readdirSync(folder).map((fd) => readlinkSync(join(folder, fd)));
    for (const place of open) expect(place).toMatch(/^(pipe:\[\d+\]|\/dev\/null|\/image|\/0(\/.*)?)$/);
  });
});

test('meanwhile another sandbox works, and is captured', async () => {
  const { body } = await installation.call('POST', `${SANDBOXES}/other/exec`, { cmd: 'echo works', timeout: 5 });
  expect(body).toMatchObject({ stdout: 'works\n', exit_code: 0 });
  expect(await installation.call('POST', `${SANDBOXES}/other/snapshot`)).toMatchObject({ status: 200 });
});

test('a destroy ends it, and nothing is left', async () => {
  const image = join(installation.dataFolder, 'modules/.taken');
  expect(readdirSync(image).length).toBe(1);
  expect(statSync(image).mode & 0o777).toBe(0o700);
  const begin = performance.now();
  expect(await installation.call('DELETE', `${SANDBOXES}/packed`)).toMatchObject({ status: 204 });
  expect(performance.now() - begin).toBeLessThan(5000);
  expect((await snapshot).status).not.toBe(200);
  expect(PROGRAMS.flatMap(startedAs)).toEqual([]);
  expect(readdirSync(image)).toEqual([]);
});
