import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TarEntry } from './tar-header.ts';
import { TarScan, type TarWatcher } from './tar-scan.ts';

const LONG_NAME = `${'folder/'.repeat(30)}${'n'.repeat(120)}`;
const CONTENT = Buffer.from('0123456789'.repeat(100));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tar-scan-'));
  execFileSync('mkdir', ['-p', join(folder, 'folder/'.repeat(30))]);
  writeFileSync(join(folder, LONG_NAME), CONTENT);
  writeFileSync(join(folder, 'short'), 'x');
  execFileSync('ln', ['-s', 'short', join(folder, 'link')]);
  execFileSync('ln', [join(folder, 'short'), join(folder, 'zhard')]);
  execFileSync('truncate', ['-s', '1M', join(folder, 'sparse')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const tarOf = (...options: string[]): Buffer =>
  execFileSync('tar', ['-c', '--sort=name', '-C', folder, ...options, '.'], { maxBuffer: 64 * 1024 * 1024 });

class Recorder implements TarWatcher {
  readonly entries: TarEntry[] = [];
  readonly contents = new Map<string, string>();

  entry(entry: TarEntry): number {
    this.entries.push(entry);
    return entry.type === 'file' ? 16 : 0;
  }

  content(entry: TarEntry, data: Buffer): void {
    this.contents.set(entry.path, data.toString());
  }
}

async function scan(pieces: Iterable<Buffer>): Promise<{ seen: Recorder; passed: Buffer }> {
  const seen = new Recorder();
  const passed = await buffer(Readable.from(pieces).compose(new TarScan(seen)));
  return { seen, passed };
}

test.each(['posix', 'gnu', 'ustar'])(
  'TarScan names every entry of a %s archive and passes it through',
  async (format) => {
    const tar = tarOf(`--format=${format}`, ...(format === 'ustar' ? [`--exclude=${'n'.repeat(120)}`] : []));
    const { seen, passed } = await scan([tar]);
    const types = Object.fromEntries(seen.entries.map(({ path, type }) => [path, type]));
    expect(types).toMatchObject({ '': 'folder', short: 'file', link: 'symlink', zhard: 'hardlink', sparse: 'file' });
    expect(seen.entries.find(({ path }) => path === 'zhard')?.linkName).toBe('./short');
    if (format !== 'ustar') expect(seen.contents.get(LONG_NAME)).toBe(CONTENT.toString('utf8', 0, 16));
    expect(tar.subarray(0, passed.length).equals(passed)).toBe(true);
    // What is cut is padding only.
    expect(tar.subarray(passed.length).every((byte) => byte === 0)).toBe(true);
  },
);

test('TarScan gives a sparse file its own name', async () => {
  const { seen } = await scan([tarOf('--format=posix', '--sparse')]);
  expect(seen.entries.map(({ path }) => path)).toContain('sparse');
  expect(seen.entries.filter(({ path }) => path.includes('GNUSparse'))).toEqual([]);
});

test('TarScan sees the same however the bytes are cut', async () => {
  const tar = tarOf('--format=posix');
  const whole = await scan([tar]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: tar.length }), { maxLength: 40 }), async (cuts) => {
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), tar.length];
      const pieces = bounds.slice(1).map((end, index) => tar.subarray(bounds[index], end));
      const { seen } = await scan(pieces.filter((piece) => piece.length > 0));
      expect(seen.entries).toEqual(whole.seen.entries);
      expect(seen.contents).toEqual(whole.seen.contents);
    }),
    { numRuns: 30 },
  );
});

test('TarScan refuses an archive that ends early', async () => {
  const tar = tarOf('--format=posix');
  await expect(scan([tar.subarray(0, 5 * 512)])).rejects.toThrow('Cannot read the tar of a layer: it ends early');
  await expect(scan([])).rejects.toThrow('it ends early');
});

test('TarScan refuses a header that does not add up', async () => {
  const tar = Buffer.from(tarOf('--format=gnu'));
  tar[0] = (tar[0] ?? 0) ^ 1;
  await expect(scan([tar])).rejects.toThrow('a header has a wrong checksum');
});

test('TarScan never crashes, whatever it is fed', async () => {
  const tar = tarOf('--format=posix');
  await fc.assert(
    fc.asyncProperty(fc.nat(tar.length - 1), fc.uint8Array({ minLength: 1, maxLength: 700 }), async (at, junk) => {
      const mutated = Buffer.from(tar);
      mutated.set(junk.subarray(0, tar.length - at), at);
      await scan([mutated]).catch((error: Error) => expect(error.message).toMatch(/^Cannot read the tar of a layer: /));
    }),
    { numRuns: 200 },
  );
});
