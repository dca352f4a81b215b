import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { settlesWithin } from '../../../src/lib/deadline.ts';
import { readFileOverAgent } from '../../../src/runtime/agent/read-file.ts';
import { writeFileOverAgent } from '../../../src/runtime/agent/write-file.ts';
import { AgentMachine, FIRST_ID } from './agent-machine.ts';

let machine: AgentMachine;
let dir: string;
let count = 0;
beforeAll(async () => {
  machine = await AgentMachine.start();
});
afterAll(() => machine[Symbol.asyncDispose]());
beforeEach(async () => {
  dir = join(machine.folder, `case-${count++}`);
  await machine.run(['mkdir', dir]);
});

async function* pieces(...contents: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const content of contents) yield Buffer.from(content);
}

async function read(path: string): Promise<Buffer> {
  const { content } = await readFileOverAgent(machine.connect, path);
  const all: Buffer[] = [];
  for await (const piece of content) all.push(piece);
  return Buffer.concat(all);
}

function write(path: string, content: AsyncIterable<Buffer>, mode = 0o644): Promise<void> {
  return writeFileOverAgent(machine.connect, path, { content, mode });
}

test('a file comes back as it was written, with its mode, as the root of the sandbox', async () => {
  const path = join(dir, 'file');
  await write(path, pieces('one ', '', 'two'), 0o4751);
  const { info, content } = await readFileOverAgent(machine.connect, path);
  expect(info).toMatchObject({ kind: 'file', mode: 0o4751, uid: 0, gid: 0, sizeBytes: 7 });
  expect(Math.abs(info.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
  await content[Symbol.asyncIterator]().return?.();
  expect((await read(path)).toString()).toBe('one two');
  expect(statSync(path)).toMatchObject({ uid: FIRST_ID, gid: FIRST_ID });
  expect(readdirSync(dir)).toEqual(['file']);
});

test('20 MiB come back as they went, and an empty file is empty', async () => {
  const sent = randomBytes(20 << 20);
  await write(join(dir, 'large'), pieces(sent));
  const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  expect(hash(await read(join(dir, 'large')))).toBe(hash(sent));
  await write(join(dir, 'empty'), pieces());
  expect(await read(join(dir, 'empty'))).toHaveLength(0);
});

test.each(['with space', 'new\nline', '-rf', 'ünï', '$(id)', `${'n'.repeat(255)}`])(
  'a name is only a name: %j',
  async (name) => {
    await write(join(dir, name), pieces('x'));
    expect(readdirSync(dir)).toEqual([name]);
    expect((await read(join(dir, name))).toString()).toBe('x');
  },
);

test('a file of /proc, whose size is a lie, is read to its end', async () => {
  expect((await read('/proc/self/status')).toString()).toMatch(/^Name:/);
});

test('a writer that breaks off changes nothing', async () => {
  const path = join(dir, 'file');
  await write(path, pieces('old'));
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('new');
    throw new Error('source broke');
  }
  await expect(write(path, broken())).rejects.toThrow('source broke');
  await expect.poll(() => readdirSync(dir)).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

test('a reader sees the old content or the new, and never a part', async () => {
  const path = join(dir, 'file');
  const contents = ['a', 'b'].map((letter) => Buffer.alloc(300_000, letter));
  await write(path, pieces(contents[0] as Buffer));
  for (let round = 0; round < 10; round++) {
    const writing = write(path, pieces(contents[round % 2] as Buffer));
    while (!(await settlesWithin(writing, 0))) {
      const seen = await readFile(path);
      expect(contents.some((each) => each.equals(seen))).toBe(true);
    }
    await writing;
    expect(readFileSync(path)).toEqual(contents[round % 2]);
  }
});

test('a link in the place of a file is replaced, and what it points to is left alone', async () => {
  writeFileSync(join(dir, 'target'), 'precious', { mode: 0o666 });
  symlinkSync(join(dir, 'target'), join(dir, 'link'));
  await write(join(dir, 'link'), pieces('new'));
  expect(readFileSync(join(dir, 'target'), 'utf8')).toBe('precious');
  expect(readFileSync(join(dir, 'link'), 'utf8')).toBe('new');
});

describe('a write is refused', () => {
  const cases: [string, (dir: string) => string, string, string][] = [
    ['into a folder that is missing', () => join(dir, 'no/file'), 'FILE_NOT_FOUND', 'not found'],
    ['in the place of a folder', () => dir, 'INVALID_ARGUMENT', 'it is a folder'],
    ['to a name that is none', () => `${dir}/..`, 'INVALID_ARGUMENT', 'Invalid argument'],
    ['to a name that is too long', () => join(dir, 'n'.repeat(256)), 'INVALID_ARGUMENT', 'File name too long'],
    ['to where only the host may write', () => '/squash-agent-test', 'INVALID_ARGUMENT', 'Permission denied'],
  ];
  test.each(cases)('%s', async (_, path, code, message) => {
    const writing = write(path(dir), pieces('x'));
    await expect(writing).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(readdirSync(dir)).toEqual([]);
    expect(existsSync('/squash-agent-test')).toBe(false);
  });
});

describe('a read is refused', () => {
  beforeEach(async () => {
    await machine.run(`cd ${dir} && mkfifo fifo && ln -s loop loop`);
    mkdirSync(join(dir, 'closed'), { mode: 0o700 });
  });
  test.each([
    ['of what is missing', 'missing', 'FILE_NOT_FOUND'],
    ['of a FIFO, without waiting for its writer', 'fifo', 'INVALID_ARGUMENT'],
    ['of a link to itself', 'loop', 'INVALID_ARGUMENT'],
    ["of what is the host's alone", 'closed', 'INVALID_ARGUMENT'],
  ])('%s', async (_, name, code) => {
    await expect(read(join(dir, name))).rejects.toMatchObject({ code });
  });
  test('of a device', async () => {
    await expect(read('/dev/zero')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
  test('through a magic link', async () => {
    await expect(read('/proc/self/root/etc/passwd')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
