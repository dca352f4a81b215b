import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INSTALLED } from '../../support/installed.ts';
import { run } from '../../support/run.ts';
import { Store } from './store.ts';

let store: Store;

function instead(path: string, make: () => unknown): void {
  renameSync(path, `${path}.real`);
  make();
}

beforeEach(() => {
  store = new Store();
});
afterEach(() => store[Symbol.dispose]());

test('a published layer is whole, root’s, and no longer staged', () => {
  const staged = store.stage();
  expect(store.publish(staged, '100-a')).toMatchObject({ status: 0, stderr: '' });
  expect(store.holds('100-a', staged)).toBe(true);
  expect(existsSync(store.path('staging', `${staged.name}.squashfs`))).toBe(false);
  expect(existsSync(store.path('staging', `${staged.name}.json`))).toBe(false);
  expect(statSync(store.path('modules', '.stamps', staged.digest))).toMatchObject({ uid: 0 });
});

describe('nothing is published, and the store stays as it was,', () => {
  test.each<[string, (name: string) => void, RegExp]>([
    ['when a byte differs', (path) => writeFileSync(path, 'X', { flag: 'r+' }), /compare the digest/],
    ['when bytes are missing', (path) => truncateSync(path, 39_999), /compare the digest/],
    ['when bytes were added', (path) => writeFileSync(path, 'X', { flag: 'a' }), /compare the digest/],
    ['of a link', (path) => instead(path, () => symlinkSync(`${path}.real`, path)), /take over/],
    ['of a file with a second name', (path) => linkSync(path, `${path}.second`), /one name/],
    ['of a folder', (path) => instead(path, () => mkdirSync(path)), /one name/],
    ['of a FIFO', (path) => instead(path, () => run(['mkfifo', path])), /one name/],
    ['of a device', (path) => instead(path, () => run(['mknod', path, 'c', '1', '5'])), /one name/],
    ['of nothing', (path) => rmSync(path), /take over/],
  ])('%s', (_, spoil, reason) => {
    const staged = store.stage();
    spoil(store.path('staging', `${staged.name}.squashfs`));
    expect(store.publish(staged, '100-a')).toMatchObject({ status: 1, stderr: expect.stringMatching(reason) });
    expect(store.names()).toEqual([]);
    expect(existsSync(store.stored(staged.digest))).toBe(false);
  });

  test.each([
    ['names other bytes', JSON.stringify({ sha256: 'a'.repeat(64) })],
    ['is empty', ''],
    ['hides what it says behind a NUL', '{}\0'],
  ])('when the sidecar %s', (_, sidecar) => {
    const staged = store.stage(undefined, { sidecar });
    const answer = store.publish(staged, '100-a');
    expect(answer).toMatchObject({ status: 1, stderr: expect.stringContaining('does not describe these bytes') });
    expect(store.names()).toEqual([]);
  });

  test('when somebody has the staged file open for writing', async () => {
    const staged = store.stage();
    const path = store.path('staging', `${staged.name}.squashfs`);
    const writer = await open(path, 'r+');
    expect(store.publish(staged, '100-a')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('still being written'),
    });
    await writer.close();
    expect(store.names()).toEqual([]);
    expect(store.publish(staged, '100-a')).toMatchObject({ status: 0 });
  });

  test('when somebody has mapped the staged file for writing', async () => {
    const staged = store.stage();
    const path = store.path('staging', `${staged.name}.squashfs`);
    const script = `import mmap,sys
with open(sys.argv[1], 'r+b') as f: m = mmap.mmap(f.fileno(), 0)
print('mapped', flush=True)
sys.stdin.read()`;
    const mapper = spawn('python3', ['-c', script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(mapper.stdout, 'data');
    expect(store.publish(staged, '100-a')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('still being written'),
    });
    mapper.stdin.end();
    await once(mapper, 'exit');
    expect(store.names()).toEqual([]);
  });
});

describe('a name that is taken', () => {
  test('keeps what it has without --replace, and is replaced with it', () => {
    const [first, second] = [store.stage(), store.stage()];
    store.publish(first, '100-a');
    expect(store.publish(second, '100-a')).toMatchObject({ status: 5, stderr: expect.stringContaining('File exists') });
    expect(store.holds('100-a', first)).toBe(true);
    expect(store.publish(second, '100-a', { replace: true })).toMatchObject({ status: 0 });
    expect(store.holds('100-a', second)).toBe(true);
  });

  test('takes the same bytes again, and leaves the file as it is', () => {
    const first = store.stage();
    store.publish(first, '100-a');
    const before = statSync(store.stored(first.digest));
    const again = store.stage(first.bytes);
    expect(store.publish(again, '100-a')).toMatchObject({ status: 0 });
    expect(statSync(store.stored(first.digest))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(store.holds('100-a', first)).toBe(true);
  });

  test('is not overwritten when what it has cannot be read', () => {
    mkdirSync(store.path('modules', '100-a.json'));
    expect(store.publish(store.stage(), '100-a')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('cannot be read'),
    });
  });
});

test('two names of the same bytes share one file', () => {
  const first = store.stage();
  store.publish(first, '100-a');
  store.publish(store.stage(first.bytes), '200-b');
  expect(store.holds('100-a', first) && store.holds('200-b', first)).toBe(true);
  expect(statSync(store.stored(first.digest)).nlink).toBe(3);
});

test('publishing again repairs a stored layer that was damaged', () => {
  const first = store.stage();
  store.publish(first, '100-a');
  chmodSync(store.stored(first.digest), 0o640);
  writeFileSync(store.stored(first.digest), 'X', { flag: 'r+' });
  chmodSync(store.stored(first.digest), 0o440);
  expect(store.holds('100-a', first)).toBe(false);
  expect(store.publish(store.stage(first.bytes), '100-a')).toMatchObject({ status: 0 });
  expect(store.holds('100-a', first)).toBe(true);
});

test('whatever moment it is killed at, the name points to all of the old bytes or of the new, and publishing again works', async () => {
  const old = store.stage(randomBytes(300_000));
  store.publish(old, '100-a');
  let [killed, before, after] = [0, 0, 0];
  for (let round = 0; round < 40; round++) {
    const next = store.stage(randomBytes(300_000));
    if (await store.publishKilled(next, '100-a', 1 + round / 4)) killed++;
    const points = readFileSync(store.path('modules', '100-a.json'), 'utf8');
    if (points.includes(next.digest)) after++;
    else before++;
    const named = /[0-9a-f]{64}/.exec(points)?.[0] ?? '';
    expect(run(['sha256sum', store.stored(named)]).stdout.slice(0, 64)).toBe(named);
    const again = store.stage(next.bytes);
    expect(store.publish(again, '100-a', { replace: true })).toMatchObject({ status: 0 });
    expect(store.holds('100-a', next)).toBe(true);
    store.publish(store.stage(old.bytes), '100-a', { replace: true });
  }
  expect(store.names()).toEqual(['100-a']);
  // The rounds have hit both sides of the commit, or they have shown nothing.
  expect({ killed: killed > 5, before: before > 0, after: after > 0 }).toEqual({
    killed: true,
    before: true,
    after: true,
  });
}, 60_000);

test('publishers take turns: of ten of one name, each is whole and the last one stands', async () => {
  const staged = Array.from({ length: 10 }, () => store.stage(randomBytes(200_000)));
  const ended = staged.map(async ({ name, digest }) => {
    const words = ['publish', '--data', store.dataFolder, name, '100-a', '--digest', digest, '--replace'];
    const [status] = await once(spawn(`${INSTALLED}/squash-broker`, words, { stdio: 'ignore' }), 'exit');
    return status;
  });
  expect(await Promise.all(ended)).toEqual(Array.from({ length: 10 }, () => 0));
  expect(staged.filter((one) => store.holds('100-a', one))).toHaveLength(1);
});
