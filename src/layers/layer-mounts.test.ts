import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ErrorCode, SandboxError } from '../domain/errors.ts';
import { type Digest, parseLayerName } from '../domain/ids.ts';
import { SILENT } from '../lib/log.ts';
import { LayerMounts } from './layer-mounts.ts';

const A = 'a'.repeat(64) as Digest;
const B = 'b'.repeat(64) as Digest;

let mounted: Set<Digest>;
const runtime = {
  attachLayer: vi.fn<(digest: Digest) => Promise<void>>(async (digest: Digest) => void mounted.add(digest)),
  detachLayer: vi.fn<(digest: Digest) => Promise<void>>(async (digest: Digest) => void mounted.delete(digest)),
};
const onUnused = vi.fn<(digest: Digest) => Promise<void>>(async () => {});
let mounts: LayerMounts;
beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  mounted = new Set();
  mounts = new LayerMounts(runtime, { lingerMs: 5000, onUnused, log: SILENT });
});
const nameOf = (digest: Digest) => parseLayerName(`100-${digest[0]}`);
const acquire = (...digests: readonly Digest[]) =>
  mounts.acquire(digests.map((digest) => ({ name: nameOf(digest), digest })));
afterEach(() => {
  vi.useRealTimers();
});

test('LayerMounts mounts a layer once for all who ask at once', async () => {
  await Promise.all(Array.from({ length: 10 }, () => acquire(A, B)));
  expect(runtime.attachLayer).toHaveBeenCalledTimes(2);
  expect([...mounted].toSorted()).toEqual([A, B]);
});

test('LayerMounts unmounts a layer a while after its last user let go', async () => {
  const [one, two] = [await acquire(A), await acquire(A)];
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(6000);
  expect(mounted.has(A)).toBe(true);
  await two[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(4999);
  expect(mounted.has(A)).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(mounted.has(A)).toBe(false);
});

test('LayerMounts keeps a layer that is asked for again in time', async () => {
  await (await acquire(A))[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(4999);
  await acquire(A);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(mounted.has(A)).toBe(true);
  expect(runtime.attachLayer).toHaveBeenCalledTimes(1);
});

test('LayerMounts waits anew after each last user', async () => {
  await (await acquire(A))[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(4000);
  await (await acquire(A))[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(4999);
  expect(mounted.has(A)).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(mounted.has(A)).toBe(false);
});

test('LayerMounts mounts again what is asked for while it is being unmounted', async () => {
  const unmounting = Promise.withResolvers<void>();
  runtime.detachLayer.mockImplementationOnce(async (digest) => {
    await unmounting.promise;
    mounted.delete(digest);
  });
  await (await acquire(A))[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(5000);
  const again = acquire(A);
  await Promise.resolve();
  expect(runtime.attachLayer).toHaveBeenCalledTimes(1);
  unmounting.resolve();
  await again;
  expect(mounted.has(A)).toBe(true);
});

test('LayerMounts holds nothing of a stack of which one layer is missing', async () => {
  runtime.attachLayer.mockImplementation(async (digest) => {
    if (digest === B) throw new Error('missing');
    mounted.add(digest);
  });
  await expect(acquire(A, B)).rejects.toThrow('missing');
  await vi.advanceTimersByTimeAsync(5000);
  expect([...mounted]).toEqual([]);
  expect(runtime.detachLayer.mock.calls).toEqual([[A]]);
  expect(onUnused.mock.calls).toEqual([[A]]);
});

test.each<[ErrorCode, string]>([
  ['LAYER_DAMAGED', 'Cannot use layer "100-b": its file is not what was published'],
  ['LAYER_NOT_FOUND', 'Cannot use layer "100-b": its file is missing'],
  ['BROKER_GONE', 'as the runtime says it'],
])('LayerMounts names the layer that stands in the way (%s)', async (code, message) => {
  runtime.attachLayer.mockImplementation(async (digest) => {
    if (digest === B) throw new SandboxError(code, 'as the runtime says it');
  });
  await expect(acquire(A, B)).rejects.toMatchObject({ code, message });
});

test('LayerMounts unmounts at its end what nobody uses, and leaves the rest', async () => {
  await (await acquire(A))[Symbol.asyncDispose]();
  await acquire(B);
  await mounts[Symbol.asyncDispose]();
  expect([...mounted]).toEqual([B]);
  expect(vi.getTimerCount()).toBe(0);
});

test('LayerMounts sweeps what it does not know', async () => {
  await acquire(A);
  mounted.add(B);
  await mounts.sweep([A, B]);
  expect([...mounted]).toEqual([A]);
});
