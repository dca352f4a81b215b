import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SandboxError } from '../../../src/domain/errors.ts';
import type { FileInfo } from '../../../src/runtime/runtime.ts';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../support/memory-api.ts';
import { runCliProcess } from './squash-process.ts';

let api: MemoryApi;
let folder: string;
beforeEach(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
  folder = await mkdtemp(join(tmpdir(), 'copy-'));
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const cp = (source: string, target: string) => runCliProcess(api.url, ['cp', source, target]);
const DONE = { exitCode: 0, stdout: '', stderr: '' };

/** From now on reading anything in the sandbox answers this. */
function answer(kind: FileInfo['kind'], content: Buffer, mode = 0o644): void {
  const info = { kind, mode, uid: 0, gid: 0, sizeBytes: content.length, modifiedAt: new Date(0) };
  api.sandboxes.readFile = async () => ({
    info,
    content: (async function* () {
      yield content;
    })(),
  });
}

/** A tar of what a line of shell makes in an empty folder. */
async function tarOf(line: string, ...options: string[]): Promise<Buffer> {
  const made = await mkdtemp(join(folder, 'tar-'));
  execFileSync('bash', ['-euc', line], { cwd: made });
  const tar = execFileSync('tar', ['-c', '-C', made, ...(options.length > 0 ? options : ['.'])]);
  await rm(made, { recursive: true });
  return tar;
}

test('a file goes in and out with its content and mode', async () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
  await writeFile(join(folder, 'in'), content);
  await chmod(join(folder, 'in'), 0o750);
  expect(await cp(join(folder, 'in'), 'dev:/tmp/there')).toEqual(DONE);
  expect(await cp('dev:/tmp/there', join(folder, 'out'))).toEqual(DONE);
  expect(await readFile(join(folder, 'out'))).toEqual(content);
  expect((await lstat(join(folder, 'out'))).mode & 0o777).toBe(0o750);
});

test('into a folder, a file keeps its name', async () => {
  await writeFile(join(folder, 'name'), 'x');
  expect(await cp(join(folder, 'name'), 'dev:/tmp')).toEqual(DONE);
  await mkdir(join(folder, 'sub'));
  expect(await cp('dev:/tmp/name', join(folder, 'sub'))).toEqual(DONE);
  expect(await readFile(join(folder, 'sub/name'), 'utf8')).toBe('x');
});

test('a folder goes in as a tar in which everything belongs to root', async () => {
  const sent = Promise.withResolvers<{ path: string; tar: Buffer }>();
  api.sandboxes.readFile = async () => {
    throw new SandboxError('FILE_NOT_FOUND', 'not found: /new');
  };
  api.sandboxes.writeTar = async (_id, path, content) => sent.resolve({ path, tar: await buffer(content) });
  await mkdir(join(folder, 'tree/sub'), { recursive: true });
  await writeFile(join(folder, 'tree/sub/file'), 'content');
  expect(await cp(join(folder, 'tree'), 'dev:/new')).toEqual(DONE);
  const { path, tar } = await sent.promise;
  expect(path).toBe('/new');
  const listed = execFileSync('tar', ['-tv', '--numeric-owner'], { input: tar, encoding: 'utf8' });
  expect(listed).toMatch(/ 0\/0 +7 .* \.\/sub\/file$/m);
});

test('a folder that cannot be read whole is not sent as if it were', async () => {
  let isWhole = false;
  api.sandboxes.readFile = async () => {
    throw new SandboxError('FILE_NOT_FOUND', 'not found: /new');
  };
  api.sandboxes.writeTar = async (_id, _path, content) => {
    await buffer(content);
    isWhole = true;
  };
  await mkdir(join(folder, 'tree'));
  await writeFile(join(folder, 'tree/file'), 'x');
  // A tar that prints a part and fails.
  await writeFile(join(folder, 'tar'), '#!/bin/sh\nhead -c 1000 /dev/zero; echo "cannot read secret" >&2; exit 2\n', {
    mode: 0o755,
  });
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const { exitCode, stderr } = await runCliProcess(api.url, ['cp', join(folder, 'tree'), 'dev:/new'], { env });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: 'squash: Cannot finish tar: exit code 2: cannot read secret\n',
  });
  expect(isWhole).toBe(false);
});

test('a folder comes out, and is never merged with what is there', async () => {
  answer('folder', await tarOf('mkdir sub; echo deep >sub/file; ln -s sub/file link; ln sub/file hard'));
  expect(await cp('dev:/srv/tree', join(folder, 'tree'))).toEqual(DONE);
  expect(await readFile(join(folder, 'tree/link'), 'utf8')).toBe('deep\n');
  expect((await lstat(join(folder, 'tree/hard'))).nlink).toBe(2);
  expect(await cp('dev:/srv/other', join(folder, 'tree'))).toEqual(DONE);
  expect((await readdir(join(folder, 'tree'))).toSorted()).toEqual(['hard', 'link', 'other', 'sub']);
  const again = await cp('dev:/srv/other', join(folder, 'tree'));
  expect(again).toMatchObject({
    exitCode: 1,
    stderr: `squash: Cannot copy to ${join(folder, 'tree/other')}: it exists\n`,
  });
});

test.each([
  ['a name with ..', 'touch x', ['--transform=s,.*,../outside,', 'x'], /^\.\.\/outside$/m],
  ['an absolute name', 'touch x', ['--transform=s,.*,OUTSIDE,', 'x'], /^\/.*\/beside$/m],
  [
    'a link out and a file through it',
    'ln -s .. way; mkdir t; echo evil >t/outside',
    ['way', '--transform=s,^t/,way/,', 't/outside'],
    /^way\/outside$/m,
  ],
  [
    'a hard link out',
    'touch x; ln x y',
    ['--transform=flags=h;s,.*,../../../../../../../../etc/hostname,', 'x', 'y'],
    / link to \.\..*hostname$/m,
  ],
])('a tar with %s writes nothing outside', async (_what, line, options, evil) => {
  const beside = join(folder, 'beside');
  const tar = await tarOf(line, '-P', ...options.map((option) => option.replace('OUTSIDE', beside)));
  expect(['-tP', '-tvP'].map((how) => execFileSync('tar', [how], { input: tar, encoding: 'utf8' })).join('')).toMatch(
    evil,
  );
  answer('folder', tar);
  await mkdir(join(folder, 'target'));
  const { exitCode } = await cp('dev:/srv/tree', join(folder, 'target/copy'));
  expect(await readdir(folder)).toEqual(['target']);
  // Either it was refused, or made harmless.
  const made = await readdir(join(folder, 'target'));
  expect(made).toEqual(exitCode === 0 ? ['copy'] : []);
  const { ino } = await lstat('/etc/hostname');
  for (const name of exitCode === 0 ? await readdir(join(folder, 'target/copy')) : [])
    expect((await lstat(join(folder, 'target/copy', name))).ino).not.toBe(ino);
});

test('a copy has no devices, no set-uid bits and no foreign owners', async () => {
  const line =
    'touch su; chown 1234:1234 su; chmod 6755 su; mknod null c 1 3; mkfifo pipe; mkdir sub; touch sub/su; chmod 4755 sub/su';
  answer('folder', await tarOf(line));
  expect(await cp('dev:/srv/tree', join(folder, 'copy'))).toEqual(DONE);
  expect((await readdir(join(folder, 'copy'))).toSorted()).toEqual(['su', 'sub']);
  const { mode, uid } = await lstat(join(folder, 'copy/su'));
  expect({ mode: mode & 0o7777, uid }).toEqual({ mode: 0o755, uid: process.getuid?.() });
  expect((await lstat(join(folder, 'copy/sub/su'))).mode & 0o7777).toBe(0o755);
});

test('a file with set-uid bits comes out without them, and through no link', async () => {
  answer('file', Buffer.from('program'), 0o4755);
  await writeFile(join(folder, 'victim'), 'precious');
  await symlink('victim', join(folder, 'link'));
  expect(await cp('dev:/bin/su', join(folder, 'link'))).toEqual(DONE);
  expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious');
  const copy = await lstat(join(folder, 'link'));
  expect({ isFile: copy.isFile(), mode: copy.mode & 0o7777 }).toEqual({ isFile: true, mode: 0o755 });
});

test('a copy that breaks off leaves nothing', async () => {
  const tar = await tarOf('head -c 300000 /dev/urandom >file');
  answer('folder', tar.subarray(0, 100_000));
  expect((await cp('dev:/srv/tree', join(folder, 'copy'))).exitCode).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  [['cp', '/nonexistent/x', 'dev:/tmp/x'], 'Cannot copy /nonexistent/x: it cannot be read (ENOENT)'],
  [['cp', '/dev/null', 'dev:/tmp/x'], 'Cannot copy /dev/null: it is neither a file nor a folder'],
  [['cp', 'dev:/nonexistent', '/tmp/x'], 'not found: /nonexistent'],
  [['cp', 'nobody:/x', '/tmp/x'], 'not found: nobody'],
])('squash %j fails and says why', async (words, said) => {
  const { exitCode, stderr } = await runCliProcess(api.url, words);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`squash: ${said}`);
});
