import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../support/run.ts';
import { type CliResult, PROGRAM, runCliProcess, startCli } from './squash-process.ts';

const NO_DAEMON = 'http://localhost:1';

let root: string;
let tree: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-build-'));
  await chmod(root, 0o711);
  tree = join(root, 'tree');
  await mkdir(tree, { mode: 0o700 });
  await writeFile(join(tree, 'file'), 'one');
});
afterEach(() => rm(root, { recursive: true }));

const env = (more: Record<string, string> = {}) => ({ SQUASH_DATA: join(root, 'data'), ...more });
const squash = (...words: string[]): Promise<CliResult> => runCliProcess(NO_DAEMON, words, { env: env() });

async function leftovers(): Promise<string[]> {
  const work = await readdir(join(root, 'data/build')).catch(() => []);
  return [...(await readdir(join(root, 'data/staging'))), ...work];
}

test('sq-mkmod from-dir builds without a daemon, says what came of it, and a line for each step', async () => {
  const built = await squash('sq-mkmod', 'from-dir', tree, '300-x');
  expect(built).toEqual({ exitCode: 0, stdout: '300-x: built (4 KiB)\n', stderr: `packing ${tree}\npublishing\n` });
  expect((await squash('sq-mkmod', 'from-dir', tree, '300-x')).stdout).toBe('300-x: unchanged (4 KiB)\n');
  await writeFile(join(tree, 'file'), 'two');
  const taken = await squash('sq-mkmod', 'from-dir', tree, '300-x');
  expect(taken).toMatchObject({ exitCode: 1, stdout: '' });
  expect(taken.stderr).toContain(
    'squash: Cannot publish layer "300-x": the name is taken by other content\nhint: Pass --replace ',
  );
  const replaced = await squash('sq-mkmod', 'from-dir', tree, '300-x', '--replace', '--json');
  expect(JSON.parse(replaced.stdout)).toMatchObject({ state: 'built', sidecar: { name: '300-x', libc: 'none' } });
  expect(await leftovers()).toEqual([]);
});

test('sq-mkbase from-dir puts the usual words in front of a bare name', async () => {
  expect((await squash('sq-mkbase', 'from-dir', tree, 'mine', '--root-owned')).stdout).toBe(
    '000-base-mine: built (4 KiB)\n',
  );
});

test('sq-init makes the folders, then says the two ways to a base that it has no recipe for', async () => {
  const { exitCode, stderr } = await squash('sq-init');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^squash: Cannot build layer "000-base-alpine": .*\nhint: squash sq-mkbase debian, .*; or squash sq-mkbase from-dir .*\n$/,
  );
  expect((await readdir(join(root, 'data'))).toSorted()).toEqual([
    'modules',
    'sandboxes',
    'staging',
    'state',
    'uppers',
  ]);
  await squash('sq-mkbase', 'from-dir', tree, 'alpine');
  expect(await squash('sq-init')).toEqual({ exitCode: 0, stdout: '000-base-alpine: there\n', stderr: '' });
});

test('sq-mkbase list and sq-mkmod list say what there is', async () => {
  await squash('sq-init');
  expect((await squash('sq-mkbase', 'list')).stdout).toMatch(/^debian trixie +000-base-debian +not built$/m);
  expect((await squash('sq-mkmod', 'list')).stdout).toMatch(/^preset nodejs24 +100-nodejs24 +not built$/m);
});

test('whoever is not root is told so in one line', () => {
  // A user namespace without a map: the same program and files, and no root.
  const { status, stderr } = run(['unshare', '--user', process.execPath, PROGRAM, 'sq-mkbase', 'debian'], {
    env: { ...process.env, ...env() },
  });
  expect(status).toBe(1);
  expect(stderr).toBe(
    'squash: Cannot prepare layer "000-base-debian": only root can\nhint: Run it as root, for example with sudo\n',
  );
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a build that %s interrupts leaves nothing', async (signal, code) => {
  // Zeros that nobody waits for to be packed.
  await truncate(join(tree, 'file'), 100 * 1024 ** 3);
  const child = startCli(NO_DAEMON, ['sq-mkmod', 'from-dir', tree, '300-x'], { env: env() });
  child.stdout.resume();
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data;
  });
  await once(child.stderr, 'data');
  child.kill(signal);
  expect((await once(child, 'close'))[0]).toBe(code);
  expect(said).toBe(`packing ${tree}\nsquash: interrupted\n`);
  expect(await leftovers()).toEqual([]);
  expect(await readdir(join(root, 'data/modules'))).toEqual([]);
});

test('what a killed build leaves, the next one removes', async () => {
  await truncate(join(tree, 'file'), 100 * 1024 ** 3);
  const child = startCli(NO_DAEMON, ['sq-mkmod', 'from-dir', tree, '300-x'], { env: env() });
  child.stdout.resume();
  await once(child.stderr, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await leftovers()).not.toEqual([]);
  await truncate(join(tree, 'file'), 3);
  expect((await squash('sq-mkmod', 'from-dir', tree, '300-x')).exitCode).toBe(0);
  expect(await leftovers()).toEqual([]);
});
