import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import { listenPatiently } from './listen-patiently.ts';

const inUse = () => Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }));

test('listenPatiently() listens as soon as a predecessor lets go', async () => {
  const old = createServer();
  const port = await new Promise<number>((resolve) => {
    old.listen(0, '127.0.0.1', () => resolve((old.address() as { port: number }).port));
  });
  const young = createServer();
  const listen = vi.fn<() => Promise<string>>(async () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    young.once('error', reject).listen(port, '127.0.0.1', resolve);
    // The second try finds the address free.
    if (listen.mock.calls.length === 1) setImmediate(() => old.close());
    await promise;
    return 'listening';
  });
  expect(await listenPatiently(listen, { patienceMs: 10_000 })).toBe('listening');
  expect(listen.mock.calls.length).toBeGreaterThan(1);
  young.close();
});

test('listenPatiently() gives up when its time is over', async () => {
  await expect(listenPatiently(inUse, { patienceMs: 0 })).rejects.toThrow('in use');
});

test('listenPatiently() does not try twice what cannot get better', async () => {
  const listen = vi.fn<() => Promise<never>>(() => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })));
  await expect(listenPatiently(listen, { patienceMs: 10_000 })).rejects.toThrow('no');
  expect(listen).toHaveBeenCalledTimes(1);
});
