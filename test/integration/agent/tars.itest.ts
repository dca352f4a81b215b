import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readFileOverAgent } from '../../../src/runtime/agent/read-file.ts';
import { writeTarOverAgent } from '../../../src/runtime/agent/write-file.ts';
import { AgentMachine, FIRST_ID } from './agent-machine.ts';
import { pax, type TarMember, tarOf } from './tar-bytes.ts';

let machine: AgentMachine;
/** `dir/in` is unpacked into; `dir/out` must never change. */
let dir: string;
let count = 0;
beforeAll(async () => {
  machine = await AgentMachine.start();
});
afterAll(() => machine[Symbol.asyncDispose]());
beforeEach(async () => {
  dir = join(machine.folder, `case-${count++}`);
  await machine.run(`mkdir -p ${dir}/in ${dir}/out && echo precious > ${dir}/out/file`);
});

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function unpack(tar: Buffer, { pieceBytes = 100_000, into = join(dir, 'in') } = {}): Promise<void> {
  return writeTarOverAgent(machine.connect, into, inPieces(tar, pieceBytes));
}

async function pack(path: string): Promise<Buffer> {
  const { info, content } = await readFileOverAgent(machine.connect, path);
  expect(info.kind).toBe('folder');
  const all: Buffer[] = [];
  for await (const piece of content) all.push(piece);
  return Buffer.concat(all);
}

/** What a tree is: type, mode, owners, links, time, size and content hash of everything in it. */
async function describeTree(path: string): Promise<string> {
  const script =
    'find . -mindepth 1 -printf "%P|%y|%m|%U:%G|%n|%T@|%l\\n" | sed "s/\\.[0-9]*|/|/" | sort; find . -type f -exec sha256sum {} + | sort';
  return (await machine.run(script, { workdir: path })).stdout;
}

const LONG = 'l'.repeat(200);

test('a folder comes back as it was: files, modes, owners, times, links, FIFOs, odd and long names', async () => {
  await machine.run(
    `mkdir -p sub/deeper empty ${LONG}/${LONG} && chmod 1777 sub && head -c 70001 /dev/urandom > sub/file && chmod 4750 sub/file
     ln sub/file sub/deeper/hard && ln -s ../file sub/deeper/soft && ln -s /no/${LONG} long-link && mkfifo fifo
     : > nothing && printf x > "$(printf 'raw-\\377-\\n-byte')" && printf x > ${LONG}/${LONG}/file && chown 1000:33 sub/file
     ln -s ${LONG}/${LONG}/file ./-rf && touch -d @1000000000 sub/file && touch -h -d @12345 long-link && touch -d @-5 nothing`,
    { workdir: join(dir, 'out') },
  );
  const before = await describeTree(join(dir, 'out'));
  expect(before.split('\n').length).toBeGreaterThan(18);
  await unpack(await pack(join(dir, 'out')));
  // Times of folders are those of their last change, which unpacking is.
  const withoutFolderTimes = (tree: string): string => tree.replace(/\|d\|(.*?)\|[0-9-]+\|/g, '|d|$1|');
  expect(withoutFolderTimes(await describeTree(join(dir, 'in')))).toBe(withoutFolderTimes(before));
  expect(statSync(join(dir, 'in/sub/file')).ino).toBe(statSync(join(dir, 'in/sub/deeper/hard')).ino);
});

test("the system's tar reads what the agent packs", async () => {
  await machine.run(
    `mkdir -p ${LONG}/${LONG} && echo deep > ${LONG}/${LONG}/file && ln file hard && ln -s ${LONG}/${LONG} soft`,
    {
      workdir: join(dir, 'out'),
    },
  );
  const there = join(dir, 'there');
  mkdirSync(there);
  execFileSync('tar', ['-x', '-C', there], { input: await pack(join(dir, 'out')) });
  expect(execFileSync('diff', ['-r', '--no-dereference', join(dir, 'out'), there], { encoding: 'utf8' })).toBe('');
  expect(statSync(join(there, 'file')).nlink).toBe(2);
});

describe("the agent unpacks what the system's tar packs:", () => {
  test.each(['gnu', 'posix', 'ustar'])('%s', async (format) => {
    const name = format === 'ustar' ? 'n'.repeat(90) : LONG;
    await machine.run(
      `mkdir -p ${name}/${name} && echo deep > ${name}/${name}/file && ln file hard && ln -s file soft`,
      {
        workdir: join(dir, 'out'),
      },
    );
    const tar = execFileSync(
      'tar',
      ['-c', `--format=${format}`, '--owner=0', '--group=0', '-C', join(dir, 'out'), '.'],
      { maxBuffer: 1 << 24 },
    );
    await unpack(tar, { pieceBytes: 333 });
    expect(
      execFileSync('diff', ['-r', '--no-dereference', join(dir, 'out'), join(dir, 'in')], { encoding: 'utf8' }),
    ).toBe('');
  });
});

test('a tar may be cut anywhere, and the folder is made when it is missing', async () => {
  const tar = tarOf({ name: 'a/', type: '5' }, pax({ path: `a/${LONG}` }), { name: 'x', content: 'hello' });
  await unpack(tar, { pieceBytes: 1, into: join(dir, 'in/new/folders') });
  expect(readFileSync(join(dir, 'in/new/folders/a', LONG), 'utf8')).toBe('hello');
});

test('an owner, a mode and a time are those of the tar', async () => {
  await unpack(tarOf({ name: 'f', uid: 1000, gid: 33, mode: 0o6711, mtime: 1_000_000_000, content: 'x' }));
  const stat = statSync(join(dir, 'in/f'));
  expect(stat).toMatchObject({ uid: FIRST_ID + 1000, gid: FIRST_ID + 33, mtimeMs: 1e12 });
  expect(stat.mode & 0o7777).toBe(0o6711);
});

test('a link has no content, whatever size it claims', async () => {
  await unpack(
    tarOf({ name: 'f', content: 'x' }, { name: 'h', type: '1', link: 'f', size: 512 }, { name: 'g', content: 'y' }),
  );
  expect(readdirSync(join(dir, 'in')).toSorted()).toEqual(['f', 'g', 'h']);
});

test('what is there is replaced; a folder, or a link to one, is kept', async () => {
  await machine.run('mkdir -p usr/lib kept && echo old > f && ln -s f link && ln -s usr/lib lib && touch kept/old', {
    workdir: join(dir, 'in'),
  });
  await unpack(
    tarOf(
      { name: 'f', content: 'new' },
      { name: 'link', content: 'mine' },
      { name: 'lib/', type: '5', mode: 0o755 },
      { name: 'lib/new', content: 'x' },
      { name: 'kept/', type: '5', mode: 0o700 },
    ),
  );
  expect(readFileSync(join(dir, 'in/f'), 'utf8')).toBe('new');
  expect(lstatSync(join(dir, 'in/link')).isFile()).toBe(true);
  expect(readlinkSync(join(dir, 'in/lib'))).toBe('usr/lib');
  expect(readdirSync(join(dir, 'in/usr/lib'))).toEqual(['new']);
  expect(readdirSync(join(dir, 'in/kept'))).toEqual(['old']);
});

/** Each tries to reach `out` from `in`; some are refused, some land inside. */
const ESCAPES: [string, () => TarMember[]][] = [
  ['..', () => [{ name: '../out/file', content: 'bad' }]],
  ['.. behind a folder', () => [{ name: 'a/../../out/file', content: 'bad' }]],
  ['.. by PAX', () => [pax({ path: '../out/file' }), { name: 'x', content: 'bad' }]],
  [
    '.. by GNU',
    () => [
      { name: 'x', type: 'L', content: '../out/file\0' },
      { name: 'x', content: 'bad' },
    ],
  ],
  ['.. by the prefix', () => [{ name: 'out/file', prefix: '..', content: 'bad' }]],
  ['an absolute name', () => [{ name: join(dir, 'out/file').slice(0, 100), content: 'bad' }]],
  [
    'a link out, then through it',
    () => [
      { name: 'l', type: '2', link: '../out' },
      { name: 'l/file', content: 'bad' },
    ],
  ],
  [
    'an absolute link out',
    () => [
      { name: 'l', type: '2', link: join(dir, 'out') },
      { name: 'l/file', content: 'bad' },
    ],
  ],
  [
    'a link to a link out',
    () => [
      { name: 'a', type: '2', link: '..' },
      { name: 'b', type: '2', link: 'a/out' },
      { name: 'b/file', content: 'bad' },
    ],
  ],
  [
    'a link in the place of the file',
    () => [
      { name: 'l', type: '2', link: '../out/file' },
      { name: 'l', content: 'bad' },
    ],
  ],
  [
    'a folder over a link out',
    () => [
      { name: 'l', type: '2', link: '../out' },
      { name: 'l/', type: '5', mode: 0o777 },
    ],
  ],
  [
    'a hard link to what is out',
    () => [
      { name: 'h', type: '1', link: '../out/file' },
      { name: 'h', content: 'bad' },
    ],
  ],
  [
    'a hard link through a link out',
    () => [
      { name: 'l', type: '2', link: '../out' },
      { name: 'h', type: '1', link: 'l/file' },
    ],
  ],
  [
    'a hard link to a link out, then through it',
    () => [
      { name: 'l', type: '2', link: '../out' },
      { name: 'h', type: '1', link: 'l' },
      { name: 'h/file', content: 'bad' },
    ],
  ],
  [
    'a FIFO through a link out',
    () => [
      { name: 'l', type: '2', link: '../out' },
      { name: 'l/fifo', type: '6' },
    ],
  ],
  [
    '/proc',
    () => [
      { name: 'l', type: '2', link: '/proc/self/root' },
      { name: `l${dir}/out/file`, content: 'bad' },
    ],
  ],
];

describe('nothing is written outside of the folder by', () => {
  test.each(ESCAPES)('%s', async (_, members) => {
    const before = `${await describeTree(join(dir, 'out'))}${statSync(join(dir, 'out')).mode}`;
    await unpack(tarOf(...members())).catch((error: unknown) => {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(INVALID_ARGUMENT|FILE_NOT_FOUND)$/) });
    });
    expect(`${await describeTree(join(dir, 'out'))}${statSync(join(dir, 'out')).mode}`).toBe(before);
    expect(readdirSync(dir).toSorted()).toEqual(['in', 'out']);
  });
});

describe('a tar is refused that', () => {
  const whole = tarOf({ name: 'f', content: 'x'.repeat(2000) });
  const cases: [string, () => Buffer, string][] = [
    ['is none', () => Buffer.from('This is not a tar. '.repeat(100)), 'checksum is wrong'],
    ['ends in a header', () => whole.subarray(0, 300), 'it ends in the middle of a member'],
    ['ends in a file', () => whole.subarray(0, 1000), 'it ends in the middle of a member'],
    [
      'ends behind a PAX header',
      () => tarOf(pax({ path: 'a' })).subarray(0, 1024),
      'it ends in the middle of a member',
    ],
    ['has a device', () => tarOf({ name: 'd', type: '3', device: [1, 9] }), 'd: Operation not permitted'],
    ['is sparse by PAX', () => tarOf(pax({ 'GNU.sparse.major': '1' }), { name: 'f' }), 'sparse'],
    ['is sparse by GNU', () => tarOf({ name: 'f', type: 'S' }), 'a kind that is not supported'],
    ['has a member without a name', () => tarOf({ name: './.' }), 'without a name'],
    ['has a name with ..', () => tarOf({ name: 'a/..' }), "'..'"],
    [
      'has a PAX header that is too long',
      () => tarOf({ name: 'x', type: 'x', content: Buffer.alloc(65_537) }),
      'cannot be',
    ],
    ['has a PAX header without a length', () => tarOf({ name: 'x', type: 'x', content: 'path=a\n' }), 'cannot be read'],
    ['has a PAX size that is negative', () => tarOf(pax({ size: '-1' }), { name: 'f' }), 'no number'],
    ['has an id that is none', () => tarOf(pax({ uid: '4294967295' }), { name: 'f' }), 'no number'],
    ['has a file where a folder must be', () => tarOf({ name: 'f', content: 'x' }, { name: 'f/g' }), 'Not a directory'],
    ['has a file in the place of a folder', () => tarOf({ name: 'd/', type: '5' }, { name: 'd' }), 'd: Is a directory'],
  ];
  test.each(cases)('%s', async (_, tar, message) => {
    await expect(unpack(tar())).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
    expect(existsSync(join(dir, 'in/f')) && statSync(join(dir, 'in/f')).size > 1).toBe(false);
  });
});

test('a member that claims 8 GiB ends with the tar', async () => {
  await expect(unpack(tarOf({ name: 'f', content: 'x', size: 8 * 1024 ** 3 - 1 }))).rejects.toThrow('in the middle');
  expect(readdirSync(join(dir, 'in'))).toEqual([]);
});

test('packing does not follow links, and ends while a tree changes', async () => {
  await machine.run('ln -s /etc etc && mkdir d', { workdir: join(dir, 'out') });
  const names = execFileSync('tar', ['-t'], { input: await pack(join(dir, 'out')), encoding: 'utf8' });
  expect(names.split('\n').toSorted()).toEqual(['', 'd/', 'etc', 'file']);
  await using busy = await machine.exec('while :; do mkdir -p d/e/f; touch d/e/f/g; rm -rf d; done', {
    workdir: join(dir, 'out'),
  });
  for (let round = 0; round < 20; round++) execFileSync('tar', ['-t'], { input: await pack(join(dir, 'out')) });
  expect(busy.supervisorPid).toBeGreaterThan(0);
});
