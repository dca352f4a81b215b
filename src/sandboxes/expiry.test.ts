import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRequest, SandboxWorld } from '../../test/support/sandbox-world.ts';
import { SILENT } from '../lib/log.ts';
import { Expiry } from './expiry.ts';
import type { Sandbox } from './sandbox.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup(lifetimesMs: number[]) {
  const sandboxes = new Set(
    lifetimesMs.map(
      (ms, index) => ({ id: `s${index}`, expiresAt: ms === 0 ? undefined : new Date(Date.now() + ms) }) as Sandbox,
    ),
  );
  const destroy = vi.fn<(sandbox: Sandbox) => Promise<void>>(async (sandbox) => void sandboxes.delete(sandbox));
  const expiry = new Expiry({ all: () => [...sandboxes], destroy, now: () => new Date(), log: SILENT });
  return { expiry, destroy, ids: () => [...sandboxes].map((sandbox) => sandbox.id) };
}

test('Expiry destroys each sandbox at its time, to the millisecond, and the others not', async () => {
  const { expiry, ids } = setup([3000, 1000, 0]);
  expiry.arm();
  await vi.advanceTimersByTimeAsync(999);
  expect(ids()).toEqual(['s0', 's1', 's2']);
  await vi.advanceTimersByTimeAsync(1);
  expect(ids()).toEqual(['s0', 's2']);
  await vi.advanceTimersByTimeAsync(2000);
  expect(ids()).toEqual(['s2']);
  expect(vi.getTimerCount()).toBe(0);
});

test('Expiry holds one timer, however many sandboxes there are', () => {
  const { expiry } = setup([1000, 2000, 3000]);
  expiry.arm();
  expiry.arm();
  expect(vi.getTimerCount()).toBe(1);
  expiry[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});

test('Expiry waits through more than a timer can hold', async () => {
  const days = 24 * 3600 * 1000;
  const { expiry, ids } = setup([40 * days]);
  expiry.arm();
  await vi.advanceTimersByTimeAsync(40 * days - 1);
  expect(ids()).toEqual(['s0']);
  await vi.advanceTimersByTimeAsync(1);
  expect(ids()).toEqual([]);
});

test('Expiry tries again what could not be destroyed', async () => {
  const { expiry, destroy, ids } = setup([1000]);
  destroy.mockRejectedValueOnce(new Error('busy'));
  expiry.arm();
  await vi.advanceTimersByTimeAsync(1000);
  expect(ids()).toEqual(['s0']);
  await vi.advanceTimersByTimeAsync(5000);
  expect(ids()).toEqual([]);
});

test('a sandbox is destroyed at the end of its lifetime by the daemon that made it', async () => {
  vi.useRealTimers();
  await using world = await SandboxWorld.make();
  // The clock says the creation first, and from then on that a minute has gone by.
  const times = [Date.now()];
  const daemon = await world.start({ now: () => new Date(times.shift() ?? Date.now() + 60_000) });
  await daemon.sandboxes.create(createRequest('a', { maxLifetimeSeconds: 60 }));
  await expect.poll(() => daemon.sandboxes.count()).toBe(0);
  expect(world.host.uppers.size).toBe(0);
});

test('a sandbox that expired while no daemon ran is destroyed by the next', async () => {
  vi.useRealTimers();
  await using world = await SandboxWorld.make();
  const first = await world.start();
  const info = await first.sandboxes.create(createRequest('a', { maxLifetimeSeconds: 60 }));
  expect(Date.parse(info.expires ?? '') - Date.parse(info.created)).toBe(60_000);
  await world.kill(first);
  const next = await world.start({ now: () => new Date(Date.now() + 60_000) });
  await expect.poll(() => next.sandboxes.count()).toBe(0);
  expect(world.host.machines.size).toBe(0);
});
