import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../support/memory-api.ts';
import { run } from '../../support/run.ts';
import { createRequest } from '../../support/sandbox-world.ts';
import { PROGRAM, runCliProcess } from './squash-process.ts';

let api: MemoryApi;
beforeAll(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
});
afterAll(() => api[Symbol.asyncDispose]());

const squash = (...words: string[]) => runCliProcess(api.url, words);

test('create takes the positions of the seed and its flags, and --json prints what the API answered', async () => {
  const words = ['sq-ctl', 'create', 'ci-7', 'dana', '000-base,100-tools', 'lint', '--cpu', '0.5', '--memory', '256'];
  const { exitCode, stdout, stderr } = await squash(...words, '--lifetime', '600', '--allow-net', 'none', '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(await api.sandboxes.list()))[1]);
  expect(JSON.parse(stdout)).toMatchObject({
    id: 'ci-7',
    owner: 'dana',
    task: 'lint',
    layers: ['000-base', '100-tools'],
    cpu: 0.5,
    memory_mb: 256,
    max_lifetime_s: 600,
    allow_net: ['none'],
  });
  expect(await squash('destroy', 'ci-7')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect((await api.sandboxes.list()).map(({ id }) => id)).toEqual(['dev']);
});

test('list, info, logs, modules and health are tables of at most 80 columns without colours', async () => {
  expect((await squash('exec', '--json', 'dev', 'echo hello')).exitCode).toBe(0);
  for (const [words, content] of [
    [['list'], /^dev +running /m],
    [['info', 'dev'], /^state +running$/m],
    [['logs', 'dev'], /^ *1 +0 .* echo hello$/m],
    [['modules'], /^000-base +/m],
    [['health'], /^backend +memory$/m],
  ] as const) {
    const { exitCode, stdout, stderr } = await squash(...words);
    expect({ words, exitCode, stderr }).toEqual({ words, exitCode: 0, stderr: '' });
    expect(stdout).toMatch(content);
    expect(stdout).not.toContain('\x1b');
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
  }
});

test('--json may stand before the command, and every reader has it', async () => {
  for (const words of [['list'], ['info', 'dev'], ['logs', 'dev'], ['modules'], ['health']]) {
    const after = await squash(...words, '--json');
    const before = await squash('--json', 'sq-ctl', ...words);
    expect(JSON.parse(after.stdout)).toEqual(JSON.parse(before.stdout));
  }
});

test('a link by the name of a tool is that tool', async () => {
  const link = join(process.env.TMPDIR ?? '/tmp', 'sq-ctl');
  await symlink(PROGRAM, link);
  const { exitCode, stdout } = await runCliProcess(api.url, ['info', 'dev', '--json'], { program: link });
  await rm(link);
  expect({ exitCode, id: JSON.parse(stdout).id }).toEqual({ exitCode: 0, id: 'dev' });
});

test.each([
  [['info', 'nobody'], 'squash: not found: nobody\nhint: squash list shows the sandboxes of this host\n'],
  [['create', 'dev', 'dana', '000-base'], 'squash: already exists\n'],
  [['create', 'x', 'dana', '100-nothing'], 'squash: not found: 100-nothing\nhint: '],
  [['exec', 'nobody', 'true'], 'squash: not found: nobody\n'],
  [['destroy', 'no/body'], 'squash: not found: no/body\n'],
])('%j is one line on stderr and a hint, exit code 1', async (words, said) => {
  const { exitCode, stdout, stderr } = await squash(...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr.startsWith(said)).toBe(true);
  expect(stderr.split('\n').length).toBeLessThanOrEqual(3);
});

test('the token goes with every call, and is never shown', async () => {
  await using guarded = await startMemoryApi({ authToken: 'correct-horse' });
  expect((await runCliProcess(guarded.url, ['list'])).stderr).toMatch(
    /^squash: unauthorized\nhint: .*SQUASH_AUTH_TOKEN/,
  );
  const env = { SQUASH_AUTH_TOKEN: 'correct-horse' };
  expect(await runCliProcess(guarded.url, ['list'], { env })).toMatchObject({ exitCode: 0, stderr: '' });
  const live = await runCliProcess(guarded.url, ['exec', 'x', 'correct-horse'], { env });
  expect(live.stderr).toMatch(/^squash: not found: x\n/);
});

test('sq-reaper destroys what is over and nothing else', async () => {
  const [info] = await api.sandboxes.list();
  if (info === undefined) throw new Error('no sandbox');
  const destroyed: string[] = [];
  const { list, destroy } = api.sandboxes;
  api.sandboxes.list = async () => [
    { ...info, id: 'over', expires: '2020-01-01T00:00:00Z' },
    { ...info, id: 'later', expires: '2999-01-01T00:00:00Z' },
    { ...info, id: 'never', expires: null },
  ];
  api.sandboxes.destroy = async (id) => void destroyed.push(id);
  try {
    expect(await squash('sq-reaper')).toEqual({ exitCode: 0, stdout: 'destroyed over\n', stderr: '' });
  } finally {
    Object.assign(api.sandboxes, { list, destroy });
  }
  expect(destroyed).toEqual(['over']);
});

test('a reader that closes the pipe ends it quietly', () => {
  const script = '"$NODE" "$PROGRAM" completion fish | true; echo "${PIPESTATUS[0]}"';
  const env = { NODE: process.execPath, PROGRAM, PATH: process.env.PATH };
  const { stdout, stderr } = run(['bash', '-c', script], { env });
  expect({ stdout, stderr }).toEqual({ stdout: '141\n', stderr: '' });
});

test('snapshot, snapshots, restore, activate and snapshot rm tell what they did, and print JSON when asked', async () => {
  await api.sandboxes.create(createRequest('snaps'));
  expect((await squash('exec', '--json', 'snaps', 'echo one > /root/a')).exitCode).toBe(0);
  const taken = await squash('snapshot', 'snaps', 's1');
  expect(taken).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: expect.stringMatching(/^s1: .+, the sandbox stood still for \d+ ms\n$/),
  });
  expect(JSON.parse((await squash('sq-ctl', 'snapshot', 'snaps', '--json')).stdout)).toMatchObject({
    snapshot: expect.stringMatching(/^\d{8}-\d{6}$/),
    lost: { sockets: 0 },
  });
  expect((await squash('snapshots', 'snaps')).stdout).toMatch(/^SNAPSHOT +STANDS ON +SIZE +AGE +LOST\ns1 +/);
  expect((await squash('restore', 'snaps', 's1')).stdout).toMatch(/^snapshot +s1$/m);
  expect((await squash('activate', 'snaps', '100-tools')).stdout).toMatch(/^layers +000-base, 100-tools$/m);
  const refused = await squash('snapshot', 'rm', 'snaps', 's1');
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^squash: Cannot delete snapshot "s1": sandbox "snaps" stands on it/);
  expect((await squash('destroy', 'snaps')).exitCode).toBe(0);
  expect((await squash('snapshot', 'rm', 'snaps', 's1')).exitCode).toBe(0);
  expect(JSON.parse((await squash('snapshots', 'snaps', '--json')).stdout)).toHaveLength(1);
});
