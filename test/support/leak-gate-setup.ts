// Runs around every test file of a level that needs root. The files of other runs wait: the gate looks at the whole machine.
// SQUASH_LEAK_GATE=off, for debugging by hand only: script/test takes it out of the environment.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { findLeaks, type HostState, readHostState } from './leak-gate.ts';
import { lockMachine, type MachineLock } from './machine-lock.ts';

let lock: MachineLock;
let before: HostState;
let folder: string;

const gate = process.env.SQUASH_LEAK_GATE === 'off' ? { beforeAll() {}, afterAll() {} } : { beforeAll, afterAll };

gate.beforeAll(async () => {
  lock = await lockMachine('/run/lock/squash-test.lock');
  folder = await mkdtemp(join(tmpdir(), 'squash-test-'));
  // Like /tmp itself: the daemon's user and the builders' use it too.
  await chmod(folder, 0o1777);
  process.env.TMPDIR = folder;
  before = await readHostState();
}, 45 * 60_000);

gate.afterAll(async () => {
  const leaks = await findLeaks(before, { patienceMs: 10_000 });
  await rm(folder, { recursive: true, force: true });
  await lock[Symbol.asyncDispose]();
  if (leaks.length > 0) {
    const lines = leaks.map(({ kind, what }) => `  ${kind}: ${what}`);
    throw new Error(`This test file left behind:\n${lines.join('\n')}`);
  }
});
