import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SandboxError } from '../domain/errors.ts';
import { type Log, SILENT } from '../lib/log.ts';
import { MemoryHost } from '../runtime/memory/memory-host.ts';
import { MemoryRuntime } from '../runtime/memory/memory-runtime.ts';
import { UpperPool, type UpperPoolOptions } from './upper-pool.ts';

let host: MemoryHost;
const pools: UpperPool[] = [];
beforeEach(() => {
  host = new MemoryHost();
  host.freeBytes = 1e9;
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool[Symbol.asyncDispose]();
});

function makePool(changes: Partial<UpperPoolOptions> = {}): UpperPool {
  const usual = { kind: 'disk', sizeBytes: 1000, reserveBytes: 0, sparse: false, ready: 4, log: SILENT } as const;
  const pool = new UpperPool(new MemoryRuntime(host), { ...usual, freeBytes: () => host.freeBytes, ...changes });
  pools.push(pool);
  return pool;
}

const settled = (pool: UpperPool, count: number) => expect.poll(() => pool.readyCount).toBe(count);

test('UpperPool keeps as many ready as it was asked to', async () => {
  const pool = makePool();
  pool.start();
  await settled(pool, 4);
  expect(host.uppers.size).toBe(4);
});

test('UpperPool gives a ready upper without making one, and makes another for it', async () => {
  const pool = makePool();
  pool.start();
  await settled(pool, 4);
  const makes = vi.fn<(operation: string) => void>();
  host.onOperation = makes;
  const lease = pool.take();
  expect(host.uppers.has(lease.id)).toBe(true);
  await lease.make();
  expect(makes).not.toHaveBeenCalled();
  await settled(pool, 4);
  expect(host.uppers.size).toBe(5);
});

test('UpperPool makes one when none is ready, under the name it gave before', async () => {
  const lease = makePool({ ready: 0 }).take();
  expect(host.uppers.size).toBe(0);
  await lease.make();
  expect([...host.uppers.keys()]).toEqual([lease.id]);
});

test('UpperPool never gives the same upper twice', async () => {
  const pool = makePool();
  pool.start();
  await settled(pool, 4);
  const leases = Array.from({ length: 10 }, () => pool.take());
  await Promise.all(leases.map((lease) => lease.make()));
  expect(new Set(leases.map((lease) => lease.id)).size).toBe(10);
});

test('UpperPool makes another size on the spot', async () => {
  const pool = makePool();
  pool.start();
  await settled(pool, 4);
  const lease = pool.take(500);
  await lease.make();
  expect(host.uppers.get(lease.id)?.options.sizeBytes).toBe(500);
});

test('UpperPool keeps none ready in memory', async () => {
  const pool = makePool({ kind: 'tmpfs' });
  pool.start();
  await pool.take().make();
  expect(pool.readyCount).toBe(0);
});

test('UpperPool gives nothing on a host that is nearly full, ready or not', async () => {
  const pool = makePool({ reserveBytes: 5e6, ready: 1 });
  pool.start();
  await settled(pool, 1);
  const full = expect.objectContaining({ code: 'NO_SPACE', message: 'no space for a writable layer' });
  host.freeBytes = 5e6 - 1;
  expect(() => pool.take()).toThrow(full);
  expect(pool.readyCount).toBe(1);
  host.freeBytes = 5e6;
  expect(() => pool.take()).not.toThrow();
});

test('UpperPool leaves room for records and logs where no reserve is asked for', () => {
  host.freeBytes = 1024 * 1024 - 1;
  expect(() => makePool({ ready: 0 }).take()).toThrow(expect.objectContaining({ code: 'NO_SPACE' }));
});

test('UpperPool stops filling a full disk, and goes on with the next create', async () => {
  const warn = vi.fn<Log['warn']>();
  host.freeBytes = 25e6;
  const pool = makePool({ sizeBytes: 1e7, log: { ...SILENT, warn } });
  pool.start();
  await settled(pool, 2);
  await expect.poll(() => warn.mock.calls.length).toBe(1);
  host.freeBytes = 1e9;
  pool.take();
  await settled(pool, 4);
});

test('UpperPool drops what is ready when it is disposed, also what is being made', async () => {
  const pool = makePool();
  pool.start();
  await pool[Symbol.asyncDispose]();
  expect(host.uppers.size).toBe(0);
  expect(pool.readyCount).toBe(0);
});

test('UpperPool names the cause when making one fails for another reason than space', async () => {
  host.onOperation = () => {
    throw new SandboxError('INTERNAL', 'mkfs failed');
  };
  await expect(makePool({ ready: 0 }).take().make()).rejects.toThrow('mkfs failed');
});
