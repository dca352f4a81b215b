import fs from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Log, SILENT } from '../lib/log.ts';
import type { ExecResult } from '../sandboxes/types.ts';
import { ExecLog, type ExecLogOptions, type LogEntry } from './exec-log.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'exec-log-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const log of opened.splice(0)) await log.close();
  await rm(dir, { recursive: true, force: true });
});

const CALL = { cmd: 'true', workdir: '/', timeoutSeconds: 1 };

const opened: ExecLog[] = [];

async function open(options: Partial<ExecLogOptions> = {}): Promise<ExecLog> {
  const log = await ExecLog.open(dir, { maxEntries: 100, maxBytes: 1e6, log: SILENT, ...options });
  opened.push(log);
  return log;
}

function finish(entry: LogEntry, changes: Partial<ExecResult> = {}): void {
  const at = entry.started.toISOString();
  const { cmd, workdir } = CALL;
  const times = { started: at, finished: at, duration_ms: 1 };
  const flags = { timed_out: false, truncated: false };
  entry.finish({ seq: entry.seq, cmd, workdir, exit_code: 0, ...times, ...flags, stdout: '', stderr: '', ...changes });
}

/** Without the one that is made ahead for the next command. */
const files = async () => (await readdir(dir)).filter((file) => file !== 'spare.new');

const seqsOf = async (log: ExecLog) => (await log.results()).map((result) => result.seq);

test('ExecLog numbers commands from 1 and goes on after a restart', async () => {
  const log = await open();
  finish(log.begin(CALL));
  finish(log.begin(CALL), { stdout: 'kept\n' });
  const next = await open();
  expect(next.lastSeq).toBe(2);
  expect(next.begin(CALL).seq).toBe(3);
  expect(await next.results()).toMatchObject([{ seq: 1 }, { seq: 2, stdout: 'kept\n' }]);
});

test('ExecLog shows a command that its daemon left behind as interrupted, under its number', async () => {
  (await open()).begin({ ...CALL, cmd: 'sleep 1000' });
  const [result] = await (await open()).results();
  expect(result).toMatchObject({ seq: 1, cmd: 'sleep 1000', exit_code: -1, interrupted: true });
});

test('ExecLog does not show a command that still runs', async () => {
  const log = await open();
  const entry = log.begin(CALL);
  expect(await log.results()).toEqual([]);
  finish(entry);
  expect(await seqsOf(log)).toEqual([1]);
});

test('ExecLog orders by number beyond four digits', async () => {
  await writeFile(join(dir, '10000.json'), '{"seq":10000}');
  await writeFile(join(dir, '9999.json'), '{"seq":9999}');
  const log = await open();
  expect(await seqsOf(log)).toEqual([9999, 10000]);
  expect(log.begin(CALL).seq).toBe(10_001);
});

test('ExecLog clears away what was being written when its daemon died', async () => {
  await writeFile(join(dir, '0001.json.new'), '{"se');
  expect(await (await open()).results()).toEqual([]);
  expect(await files()).toEqual([]);
});

test('ExecLog keeps the number of a file that a power cut emptied', async () => {
  await writeFile(join(dir, '0007.json'), '');
  expect(await (await open()).results()).toMatchObject([{ seq: 7, exit_code: -1, interrupted: true }]);
});

test('ExecLog drops the oldest when there are too many', async () => {
  const log = await open({ maxEntries: 3 });
  for (let index = 0; index < 5; index++) finish(log.begin(CALL));
  expect(await seqsOf(log)).toEqual([3, 4, 5]);
  await log.close();
  expect(await files()).toHaveLength(3);
  expect(await seqsOf(await open({ maxEntries: 2 }))).toEqual([4, 5]);
});

test('ExecLog drops the oldest when they are too big together', async () => {
  const log = await open({ maxBytes: 25_000 });
  for (let index = 0; index < 5; index++) finish(log.begin(CALL), { stdout: 'x'.repeat(10_000) });
  expect(await seqsOf(log)).toEqual([4, 5]);
});

test('ExecLog takes the number of a command back that never began', async () => {
  const log = await open();
  log.begin(CALL).abandon('no workdir');
  expect(log.lastSeq).toBe(0);
  expect(await files()).toEqual([]);
  expect(log.begin(CALL).seq).toBe(1);
});

test('ExecLog leaves no gap when a later command has the next number already', async () => {
  const log = await open();
  const failed = log.begin(CALL);
  finish(log.begin(CALL));
  failed.abandon('no workdir');
  expect(await log.results()).toMatchObject([{ seq: 1, exit_code: 126, stderr: 'no workdir\n' }, { seq: 2 }]);
});

test('ExecLog goes on without a trace when the disk is full, and says so', async () => {
  const warn = vi.fn<Log['warn']>();
  const log = await open({ log: { ...SILENT, warn } });
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
  const write = vi.spyOn(fs, 'writeFileSync').mockImplementation(() => {
    throw full;
  });
  const { syncBuiltinESMExports } = await import('node:module');
  syncBuiltinESMExports();
  const entry = log.begin(CALL);
  finish(entry);
  expect(warn).toHaveBeenCalledTimes(2);
  write.mockRestore();
  syncBuiltinESMExports();
  finish(log.begin(CALL));
  expect(await seqsOf(log)).toEqual([2]);
});

test('ExecLog writes nothing once it is closed', async () => {
  const log = await open();
  const entry = log.begin(CALL);
  await rm(dir, { recursive: true });
  await log.close();
  finish(entry);
  await expect(readdir(dir)).rejects.toThrow('ENOENT');
  await writeFile(dir, '');
});

test('ExecLog numbers without gaps, whatever begins, ends and fails when', async () => {
  const step = fc.constantFrom('begin', 'finish', 'abandon', 'restart');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await rm(dir, { recursive: true, force: true });
      let log = await open();
      let running: LogEntry[] = [];
      for (const each of steps) {
        if (each === 'begin') running.push(log.begin(CALL));
        else if (each === 'finish') for (const entry of running.splice(0, 1)) finish(entry);
        else if (each === 'abandon') running.pop()?.abandon('no');
        else {
          await log.close();
          log = await open();
          running = [];
        }
      }
      await log.close();
      log = await open();
      await log.close();
      const seqs = await seqsOf(log);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }),
    { numRuns: 50 },
  );
});

test('ExecLog keeps one number for a command that is begun again, among others', async () => {
  const log = await open();
  const seqs = await Promise.all(
    [0, 1, 2].map(() =>
      log.during(CALL, async (begin) => {
        const { seq } = begin();
        await Promise.resolve();
        finish(begin());
        return seq;
      }),
    ),
  );
  expect(seqs).toEqual([1, 2, 3]);
  await expect(log.during(CALL, () => Promise.reject(new Error('never began')))).rejects.toThrow('never began');
  expect(log.lastSeq).toBe(3);
});
