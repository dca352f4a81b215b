import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSandboxId } from '../domain/ids.ts';
import { formatCheckedLine, parseCheckedLine } from '../lib/checked-line.ts';
import { parseRecord } from './record.ts';
import { RecordLog } from './record-log.ts';
import { replayRecords } from './record-replay.ts';
import type { SandboxRecord } from './types.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'record-log-'));
  path = join(dir, 'sandboxes.jsonl');
});
afterEach(() => rm(dir, { recursive: true }));

function recordOf(id: string, changes: Partial<SandboxRecord> = {}): SandboxRecord {
  const record = {
    format: 2,
    id,
    state: 'running',
    layers: [{ name: '000-base', digest: 'a'.repeat(64) }],
    snapshots: [{ sandbox: 'b', label: 's.1', digest: 'b'.repeat(64) }],
    restacking: false,
    env: { PATH: '/bin' },
    upper: '0123456789abcdef',
    upperKind: 'disk',
    upperLimitBytes: 1024,
    owner: 'Ünïcode\n',
    task: '',
    cpu: 0.5,
    memoryMiB: 64,
    maxLifetimeSeconds: 0,
    allowNet: null,
    nesting: false,
    created: '2026-02-13T10:00:00.000Z',
  };
  return { ...parseRecord(record), ...changes };
}

async function reopen(): Promise<readonly SandboxRecord[]> {
  const { log, records } = await RecordLog.open(path, { mayBeNew: true });
  await log[Symbol.asyncDispose]();
  return records;
}

test('RecordLog remembers the last word about each sandbox', async () => {
  {
    const { log, records } = await RecordLog.open(path, { mayBeNew: true });
    await using _ = log;
    expect(records).toEqual([]);
    await log.put(recordOf('a', { state: 'creating' }));
    await log.put(recordOf('b'));
    await log.put(recordOf('a'));
    await log.put(recordOf('c'));
    await log.remove(parseSandboxId('b'));
  }
  expect(await reopen()).toEqual([recordOf('a'), recordOf('c')]);
});

test('RecordLog rewrites itself without what is no longer true, and leaves no other file', async () => {
  {
    const { log } = await RecordLog.open(path, { mayBeNew: true });
    await using _ = log;
    await Promise.all(Array.from({ length: 50 }, () => log.put(recordOf('a'))));
    await log.remove(parseSandboxId('a'));
  }
  await reopen();
  expect(await readFile(path, 'utf8')).toBe('');
  expect(await readdir(dir)).toEqual(['sandboxes.jsonl']);
});

test('RecordLog holds one JSON object a line', async () => {
  const { log } = await RecordLog.open(path, { mayBeNew: true });
  await using _ = log;
  await log.put(recordOf('a'));
  const [line = ''] = (await readFile(path, 'utf8')).split('\n');
  expect(JSON.parse(line)).toMatchObject({ entry: { record: { id: 'a' } } });
});

test('a log cut at any byte gives what was acknowledged before, and is never called damaged', () => {
  const steps = [
    recordOf('a', { state: 'creating' }),
    recordOf('a'),
    recordOf('b'),
    recordOf('a', { state: 'destroying' }),
  ];
  const lines = steps.map((record) => formatCheckedLine({ record }));
  const whole = Buffer.from(lines.join(''));
  const ends = lines.map((_, index) => Buffer.byteLength(lines.slice(0, index + 1).join('')));
  for (let length = 0; length <= whole.length; length++) {
    const complete = steps.slice(0, ends.filter((end) => end <= length).length);
    const expected = new Map(complete.map((record) => [record.id, record]));
    expect(replayRecords(whole.subarray(0, length), path), `cut at ${length}`).toEqual([...expected.values()]);
  }
});

test('RecordLog appends behind a line that was never finished without mixing the two', async () => {
  const half = formatCheckedLine({ record: recordOf('b') }).slice(0, 80);
  await writeFile(path, formatCheckedLine({ record: recordOf('a') }) + half);
  {
    const { log } = await RecordLog.open(path, { mayBeNew: true });
    await using _ = log;
    await log.put(recordOf('c'));
  }
  expect((await reopen()).map((record) => record.id)).toEqual(['a', 'c']);
});

test('RecordLog names the line whose bits changed, and changes nothing', async () => {
  const whole = Buffer.from([recordOf('a'), recordOf('b')].map((record) => formatCheckedLine({ record })).join(''));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      // A damaged last newline looks like a line that was never finished: the one damage that cannot be told.
      fc.pre(at !== whole.length - 1);
      await writeFile(path, damaged);
      await expect(RecordLog.open(path, { mayBeNew: true })).rejects.toMatchObject({
        code: 'RECORD_DAMAGED',
        message: expect.stringMatching(/line [123] is damaged/),
      });
      expect((await readFile(path)).equals(damaged)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('RecordLog refuses to begin anew where there are sandboxes', async () => {
  await expect(RecordLog.open(path, { mayBeNew: false })).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
  expect(await readdir(dir)).toEqual([]);
});

test('RecordLog refuses a record of a newer version instead of losing it', async () => {
  await appendFile(path, formatCheckedLine({ record: { ...recordOf('a'), format: 3 } }));
  await expect(RecordLog.open(path, { mayBeNew: true })).rejects.toMatchObject({
    code: 'RECORD_DAMAGED',
    cause: expect.objectContaining({ message: expect.stringContaining('format 3') }),
  });
});

test('parseRecord() leads an older record on, and refuses one that nothing leads on', () => {
  const { nesting: _, ...older } = { ...recordOf('a'), format: 1 };
  const migrations = { 1: (record: Record<string, unknown>) => ({ ...record, nesting: false }) };
  expect(parseRecord(older, migrations)).toEqual(recordOf('a'));
  expect(() => parseRecord(older, {})).toThrow('No step leads on from record format 1');
});

test('parseRecord() reads what versions without snapshots wrote', () => {
  const { snapshots: _, restacking: __, ...older } = { ...recordOf('a'), format: 1 };
  expect(parseRecord(older)).toEqual({ ...recordOf('a'), snapshots: [] });
});

test('parseCheckedLine() gives back what formatCheckedLine() wrote, for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (gone) => {
      const line = formatCheckedLine({ gone });
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1)).not.toContain('\n');
      expect(parseCheckedLine(line.slice(0, -1))).toEqual({ gone });
    }),
  );
});

test('parseCheckedLine() takes no line for its own that it did not write', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseCheckedLine(text)).toBeUndefined();
    }),
  );
});
