import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRequest, execIn, SandboxWorld, type TestDaemon } from '../../test/support/sandbox-world.ts';
import { SandboxError } from '../domain/errors.ts';
import { labelOf, parseLayerName, parseSandboxId } from '../domain/ids.ts';
import { settlesWithin } from '../lib/deadline.ts';

let world: SandboxWorld;
let daemon: TestDaemon;
const A = parseSandboxId('a');
beforeEach(async () => {
  world = await SandboxWorld.make();
  daemon = await world.start();
});
afterEach(() => world[Symbol.asyncDispose]());

/** What the host holds beside the ready uppers, of which these tests have none. */
function held(): { machines: number; uppers: number; layers: number } {
  const { machines, uppers, attached } = world.host;
  return { machines: machines.size, uppers: uppers.size, layers: attached.size };
}

async function folders(): Promise<string[]> {
  return readdir(join(world.dir, 'sandboxes'));
}

test('create() answers with the sandbox, running', async () => {
  const layers = ['100-tools', '000-base'].map(parseLayerName);
  const info = await daemon.sandboxes.create(
    createRequest('a', { layers, owner: 'dana', task: 'lint', cpu: 0.5, memoryMiB: 256, allowNet: ['none'] }),
  );
  expect(info).toEqual({
    id: 'a',
    owner: 'dana',
    task: 'lint',
    layers: ['000-base', '100-tools'],
    created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    last_active: info.created,
    mounted: true,
    exec_count: 0,
    upper_bytes: 0,
    snapshots: [],
    active_snapshot: null,
    cpu: 0.5,
    memory_mb: 256,
    max_lifetime_s: 0,
    allow_net: ['none'],
    network: 'none',
    nesting: false,
    state: 'running',
    backend: 'memory',
    upper_limit_bytes: 64 * 1024 * 1024,
    expires: null,
  });
});

test('create() starts the machine with its limits and its layers, top first', async () => {
  const layers = ['000-base', '100-tools'].map(parseLayerName);
  await daemon.sandboxes.create(createRequest('a', { layers, cpu: 0.5, memoryMiB: 256, nesting: true }));
  const [base, tools] = await daemon.installation.layers.resolve(layers);
  expect(world.host.machines.get(labelOf(A))?.spec).toMatchObject({
    hostname: 'a',
    layers: [tools?.sha256, base?.sha256],
    limits: { cpuCount: 0.5, memoryBytes: 256 * 1024 * 1024, pidsMax: 1024 },
    nesting: true,
  });
});

test('create() refuses an id that exists, also of a sandbox that is being made', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => daemon.sandboxes.create(createRequest('a'))),
  );
  const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  expect(refused).toHaveLength(19);
  for (const reason of refused) expect(reason).toMatchObject({ code: 'SANDBOX_EXISTS', message: 'already exists' });
  expect(held()).toEqual({ machines: 1, uppers: 1, layers: 1 });
});

test('create() keeps to the limit, however many ask at once', async () => {
  daemon = await world.start({ settings: { maxSandboxes: 3 } });
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => daemon.sandboxes.create(createRequest(`s${index}`))),
  );
  const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  expect(refused).toHaveLength(7);
  for (const reason of refused)
    expect(reason).toMatchObject({ code: 'SANDBOX_LIMIT', message: 'sandbox limit reached (3)', httpStatus: 503 });
  expect(daemon.sandboxes.count()).toBe(3);
});

test.each([
  ['a layer that is not there', { layers: [parseLayerName('100-nothing')] }, 'not found: 100-nothing'],
  ['an egress rule', { allowNet: ['pypi.org'] }, 'cannot enforce egress rule pypi.org'],
  ['a layer twice', { layers: ['000-base', '000-base'].map(parseLayerName) }, 'layers names "000-base" twice'],
])('create() refuses %s and leaves no trace', async (_, changes, message) => {
  await expect(daemon.sandboxes.create(createRequest('a', changes))).rejects.toThrow(message);
  expect(daemon.sandboxes.count()).toBe(0);
  expect(held()).toEqual({ machines: 0, uppers: 0, layers: 0 });
  expect(await folders()).toEqual([]);
});

test('create() without a base tells how to get one', async () => {
  const layers = [parseLayerName('000-base-alpine')];
  await expect(daemon.sandboxes.create(createRequest('a', { layers }))).rejects.toMatchObject({
    code: 'LAYER_NOT_FOUND',
    message: 'not found: 000-base-alpine',
    hint: expect.stringMatching(/squash sq-mkbase debian.*SQUASH_DEFAULT_LAYERS=000-base-debian/),
  });
});

test('create() refuses a musl layer on a glibc base by name', async () => {
  await world.publish('110-musl', { libc: 'musl' });
  const layers = ['000-base', '110-musl'].map(parseLayerName);
  await expect(daemon.sandboxes.create(createRequest('a', { layers }))).rejects.toMatchObject({
    code: 'LAYER_LIBC_MISMATCH',
  });
});

test.each(['attachLayer', 'makeUpper', 'start'])(
  'create() undoes everything when %s fails, and names the cause',
  async (operation) => {
    world.host.onOperation = (each) => {
      if (each === operation) throw new SandboxError('START_FAILED', `no ${operation}`);
    };
    await expect(daemon.sandboxes.create(createRequest('a'))).rejects.toThrow(`no ${operation}`);
    world.host.onOperation = () => {};
    expect(daemon.sandboxes.count()).toBe(0);
    expect(held()).toMatchObject({ machines: 0, uppers: 0 });
    expect(await folders()).toEqual([]);
    expect(await daemon.sandboxes.create(createRequest('a'))).toMatchObject({ state: 'running' });
  },
);

test('create() that could not be undone stays as failed, and destroy() ends it', async () => {
  world.host.onOperation = (each) => {
    if (each === 'start' || each === 'dropUpper') throw new SandboxError('START_FAILED', `no ${each}`);
  };
  await expect(daemon.sandboxes.create(createRequest('a'))).rejects.toThrow('no start');
  expect(await daemon.sandboxes.info(A)).toMatchObject({ state: 'failed' });
  world.host.onOperation = () => {};
  await daemon.sandboxes.destroy(A);
  expect(held()).toMatchObject({ machines: 0, uppers: 0 });
});

test('create() on a full host answers with the text of the contract', async () => {
  world.host.freeBytes = 1024;
  await expect(daemon.sandboxes.create(createRequest('a'))).rejects.toMatchObject({
    code: 'NO_SPACE',
    message: 'no space for a writable layer',
    httpStatus: 503,
  });
});

test('create() with an upper in memory stays well under the memory limit', async () => {
  daemon = await world.start({ settings: { upper: 'tmpfs' } });
  expect(await daemon.sandboxes.create(createRequest('a', { memoryMiB: 32 }))).toMatchObject({
    upper_limit_bytes: 16 * 1024 * 1024,
  });
  expect([...world.host.uppers.values()][0]?.options.kind).toBe('tmpfs');
});

test('list() has every sandbox, oldest first', async () => {
  for (const id of ['b', 'a', 'c']) await daemon.sandboxes.create(createRequest(id));
  expect((await daemon.sandboxes.list()).map((info) => info.id)).toEqual(['b', 'a', 'c']);
});

test('info() knows what ran and what was written', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const result = await execIn(daemon.sandboxes, 'a', 'echo 12345 > /tmp/file');
  const info = await daemon.sandboxes.info(A);
  expect(info).toMatchObject({ exec_count: 1, upper_bytes: 6 });
  expect(info.last_active >= result.started).toBe(true);
});

test('a sandbox that does not exist is not found', async () => {
  const missing = expect.objectContaining({ code: 'SANDBOX_NOT_FOUND', message: 'not found: a' });
  await expect(daemon.sandboxes.info(A)).rejects.toEqual(missing);
  await expect(daemon.sandboxes.destroy(A)).rejects.toEqual(missing);
  await expect(daemon.sandboxes.logs(A)).rejects.toEqual(missing);
  await expect(daemon.sandboxes.readFile(A, '/x')).rejects.toEqual(missing);
  await expect(execIn(daemon.sandboxes, 'a', 'true')).rejects.toEqual(missing);
});

test('exec() gives commands the environment of the layers, not the one of this process', async () => {
  await daemon.sandboxes.create(createRequest('a', { layers: ['000-base', '100-tools'].map(parseLayerName) }));
  const { stdout } = await execIn(daemon.sandboxes, 'a', 'env');
  expect(stdout.trim().split('\n').toSorted()).toEqual([
    'HOME=/root',
    'LANG=C.UTF-8',
    'PATH=/opt/tools/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'TERM=dumb',
    'TOOL=yes',
  ]);
});

test('exec() starts a stopped sandbox again, once for all who ask, with its data', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  await execIn(daemon.sandboxes, 'a', 'echo kept > /root/file');
  const before = world.host.machines.get(labelOf(A));
  before?.die();
  await before?.exited;
  expect(await daemon.sandboxes.info(A)).toMatchObject({ state: 'stopped', mounted: false });
  const results = await Promise.all(Array.from({ length: 5 }, () => execIn(daemon.sandboxes, 'a', 'cat /root/file')));
  expect(results.map((result) => result.stdout)).toEqual(Array(5).fill('kept\n'));
  expect(await daemon.sandboxes.info(A)).toMatchObject({ state: 'running', exec_count: 6 });
});

test('exec() finds a machine dead of which nobody had heard, and starts it again', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  world.host.machines.get(labelOf(A))?.die();
  expect(await execIn(daemon.sandboxes, 'a', 'echo again')).toMatchObject({ stdout: 'again\n', seq: 1 });
});

test('exec() that was running when its machine died is interrupted, and not run again', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const running = execIn(daemon.sandboxes, 'a', 'echo once; sleep 1000');
  await expect.poll(() => world.host.machines.get(labelOf(A))?.commands.length).toBe(1);
  world.host.machines.get(labelOf(A))?.die();
  expect(await running).toMatchObject({ exit_code: 137, interrupted: true, stdout: 'once\n' });
});

test('logs() has the results in order, and keeps to its bound', async () => {
  daemon = await world.start({ settings: { logMax: 2 } });
  await daemon.sandboxes.create(createRequest('a'));
  for (const word of ['one', 'two', 'three']) await execIn(daemon.sandboxes, 'a', `echo ${word}`);
  expect(await daemon.sandboxes.logs(A)).toMatchObject([
    { seq: 2, stdout: 'two\n' },
    { seq: 3, stdout: 'three\n' },
  ]);
});

test('spawn() hands a command over, with the environment completed', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const output: Buffer[] = [];
  const request = { argv: ['env'], env: { MINE: '1', LANG: 'C' }, workdir: '/', uid: 0, gid: 0, groups: [] };
  await using process = await daemon.sandboxes.spawn(
    A,
    { ...request, stdin: false, forwardLimitBytes: 0, pty: { rows: 24, columns: 80 } },
    { onOutput: (_, data) => void output.push(data) },
  );
  expect(await process.exited).toMatchObject({ exitCode: 0 });
  const lines = Buffer.concat(output).toString().split('\n');
  expect(lines).toEqual(expect.arrayContaining(['MINE=1', 'LANG=C', 'HOME=/root', 'TERM=xterm-256color']));
});

test('spawn() keeps a live command in the log, and nothing of what a terminal showed', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const request = { env: {}, workdir: '/', uid: 0, gid: 0, groups: [], stdin: false, forwardLimitBytes: 0 };
  const onOutput = (): void => {};
  const plain = await daemon.sandboxes.spawn(A, { ...request, argv: ['echo', 'a b'] }, { onOutput });
  await plain.exited;
  const pty = { rows: 24, columns: 80 };
  const shell = await daemon.sandboxes.spawn(
    A,
    { ...request, argv: ['/bin/sh', '-c', 'echo secret'], pty },
    { onOutput },
  );
  await shell.exited;
  expect(await daemon.sandboxes.logs(A)).toMatchObject([
    { seq: 1, cmd: "echo 'a b'", exit_code: 0, stdout: 'a b\n', timed_out: false },
    { seq: 2, cmd: 'echo secret', exit_code: 0, stdout: '' },
  ]);
  expect((await daemon.sandboxes.info(A)).exec_count).toBe(2);
});

test('spawn() ends the command of a client that lets go of it', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const request = { argv: ['sleep', '1000'], env: {}, workdir: '/', uid: 0, gid: 0, groups: [] };
  const process = await daemon.sandboxes.spawn(
    A,
    { ...request, stdin: false, forwardLimitBytes: 0 },
    { onOutput: () => {} },
  );
  await process[Symbol.asyncDispose]();
  expect(await process.exited).toMatchObject({ signal: 9 });
  expect(world.host.machines.get(labelOf(A))?.commands).toEqual([]);
});

test('files go in and come out', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  async function* content() {
    yield Buffer.from('a file');
  }
  await daemon.sandboxes.writeFile(A, '/root/file', content(), { mode: 0o600 });
  const { info, content: read } = await daemon.sandboxes.readFile(A, '/root/file');
  expect(info).toMatchObject({ kind: 'file', mode: 0o600, sizeBytes: 6 });
  const pieces: Buffer[] = [];
  for await (const piece of read) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe('a file');
  await expect(daemon.sandboxes.readFile(A, 'root/file')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('destroy() leaves nothing, and the id is free again', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  await execIn(daemon.sandboxes, 'a', 'true');
  await daemon.sandboxes.destroy(A);
  expect(daemon.sandboxes.count()).toBe(0);
  expect(held()).toMatchObject({ machines: 0, uppers: 0 });
  expect(await folders()).toEqual([]);
  expect(await daemon.sandboxes.create(createRequest('a'))).toMatchObject({ exec_count: 0 });
});

test('destroy() is one destroy for all who ask at once', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  let drops = 0;
  world.host.onOperation = (operation) => {
    if (operation === 'dropUpper') drops++;
  };
  await Promise.all([daemon.sandboxes.destroy(A), daemon.sandboxes.destroy(A), daemon.sandboxes.destroy(A)]);
  expect(drops).toBe(1);
});

test('destroy() ends running commands and refuses new ones', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  const running = execIn(daemon.sandboxes, 'a', 'sleep 1000');
  await expect.poll(() => world.host.machines.get(labelOf(A))?.commands.length).toBe(1);
  const destroyed = daemon.sandboxes.destroy(A);
  await expect(execIn(daemon.sandboxes, 'a', 'true')).rejects.toMatchObject({ code: 'SANDBOX_BUSY', httpStatus: 409 });
  expect(await running).toMatchObject({ exit_code: 137, interrupted: true });
  await destroyed;
  expect(await folders()).toEqual([]);
});

test.each(['attachLayer', 'makeUpper', 'start'])(
  'destroy() during %s of a create ends both, and leaves nothing',
  async (operation) => {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    world.host.onOperation = async (each) => {
      if (each !== operation) return;
      reached.resolve();
      await goOn.promise;
    };
    const created = daemon.sandboxes.create(createRequest('a'));
    const outcome = expect(created).rejects.toMatchObject({ code: 'SANDBOX_BUSY' });
    await reached.promise;
    const destroyed = daemon.sandboxes.destroy(A);
    // One that did not wait for the create would be done by now, and the create would go on making things.
    expect(await settlesWithin(destroyed, 30)).toBe(false);
    goOn.resolve();
    await destroyed;
    await outcome;
    expect(daemon.sandboxes.count()).toBe(0);
    expect(held()).toMatchObject({ machines: 0, uppers: 0 });
    expect(await folders()).toEqual([]);
  },
);

test('a create that is destroyed while it waits for its upper never starts a machine', async () => {
  const operations: string[] = [];
  let destroyed: Promise<void> | undefined;
  world.host.onOperation = (operation) => {
    operations.push(operation);
    if (operation === 'makeUpper') destroyed = daemon.sandboxes.destroy(A);
  };
  await expect(daemon.sandboxes.create(createRequest('a'))).rejects.toMatchObject({ code: 'SANDBOX_BUSY' });
  await destroyed;
  expect(operations).not.toContain('start');
});

test('nothing of a sandbox exists before its record does, and nothing is acknowledged before it is on disk', async () => {
  const path = join(world.dir, 'state', 'sandboxes.jsonl');
  const states: string[] = [];
  world.host.onOperation = async (operation) => {
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    const { entry } = JSON.parse(lines.at(-1) ?? '') as { entry: { record: { state: string } } };
    states.push(`${operation}: ${entry.record.state}`);
  };
  await daemon.sandboxes.create(createRequest('a'));
  const create = ['attachLayer: creating', 'makeUpper: creating', 'start: creating', 'upperUsage: running'];
  expect(states.splice(0).toSorted()).toEqual(create);
  await daemon.sandboxes.destroy(A);
  expect(states).toEqual(['stopMachine: destroying', 'dropUpper: destroying']);
  expect(await readFile(path, 'utf8')).toMatch(/"gone":"a"\}\}\n$/);
});

test('destroy() that failed can be asked for again', async () => {
  await daemon.sandboxes.create(createRequest('a'));
  world.host.onOperation = (operation) => {
    if (operation === 'dropUpper') throw new SandboxError('INTERNAL', 'busy');
  };
  await expect(daemon.sandboxes.destroy(A)).rejects.toThrow('busy');
  expect(await daemon.sandboxes.info(A)).toMatchObject({ state: 'failed' });
  world.host.onOperation = () => {};
  await daemon.sandboxes.destroy(A);
  expect(held()).toMatchObject({ machines: 0, uppers: 0 });
});

test('layers are mounted once for all sandboxes', async () => {
  let attached = 0;
  world.host.onOperation = (operation) => {
    if (operation === 'attachLayer') attached++;
  };
  await Promise.all(Array.from({ length: 10 }, (_, index) => daemon.sandboxes.create(createRequest(`s${index}`))));
  expect(attached).toBe(1);
});
