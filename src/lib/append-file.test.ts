import { appendFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AppendFile } from './append-file.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'append-file-'));
  path = join(dir, 'file');
  await writeFile(path, 'head\n');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true });
});

/** The prototype that every FileHandle shares. */
async function fileHandle(): Promise<{ datasync: () => Promise<void>; write: () => Promise<unknown> }> {
  await using file = await open(path);
  return Object.getPrototypeOf(file);
}

test('AppendFile appends behind what is there, in order', async () => {
  {
    await using file = await AppendFile.open(path);
    await Promise.all([file.append('1\n'), file.append('2\n')]);
    await file.append('3\n');
    expect(file.sizeBytes).toBe(11);
  }
  expect(await readFile(path, 'utf8')).toBe('head\n1\n2\n3\n');
});

test('note() waits for no fdatasync; what is appended after it carries it along', async () => {
  const datasync = vi.spyOn(await fileHandle(), 'datasync');
  await using file = await AppendFile.open(path);
  await file.note('1\n');
  expect(datasync).not.toHaveBeenCalled();
  expect(await readFile(path, 'utf8')).toBe('head\n1\n');
  await Promise.all([file.note('2\n'), file.append('3\n')]);
  expect(datasync).toHaveBeenCalledTimes(1);
  expect(await readFile(path, 'utf8')).toBe('head\n1\n2\n3\n');
});

test('AppendFile commits a hundred appends of one moment with one fdatasync', async () => {
  const datasync = vi.spyOn(await fileHandle(), 'datasync');
  await using file = await AppendFile.open(path);
  await Promise.all(Array.from({ length: 100 }, (_, index) => file.append(`${index}\n`)));
  expect(datasync).toHaveBeenCalledTimes(1);
  expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(102);
});

test('AppendFile takes back a write of which a full disk took a part, and goes on', async () => {
  await using file = await AppendFile.open(path);
  const write = vi.spyOn(await fileHandle(), 'write');
  write.mockImplementationOnce(async () => {
    await appendFile(path, 'lo');
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  });
  await expect(file.append('lost\n')).rejects.toThrow('full');
  await file.append('kept\n');
  expect(await readFile(path, 'utf8')).toBe('head\nkept\n');
});

test('AppendFile leaves nothing of a failed write to who reads next', async () => {
  {
    await using file = await AppendFile.open(path);
    vi.spyOn(await fileHandle(), 'write').mockImplementationOnce(async () => {
      await appendFile(path, 'lo');
      throw new Error('full');
    });
    await expect(file.append('lost\n')).rejects.toThrow('full');
  }
  expect(await readFile(path, 'utf8')).toBe('head\n');
});

test('AppendFile accepts nothing more once fdatasync failed, as no later one can be trusted', async () => {
  await using file = await AppendFile.open(path);
  vi.spyOn(await fileHandle(), 'datasync').mockRejectedValueOnce(new Error('EIO'));
  await expect(file.append('a\n')).rejects.toThrow('EIO');
  await expect(file.append('b\n')).rejects.toThrow('EIO');
});
