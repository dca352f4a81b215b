import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';

// The program itself, on the backend that needs no root.
const PROGRAM = join(import.meta.dirname, 'squashd.ts');

let dir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'squashd-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await rm(dir, { recursive: true });
});

interface Line {
  readonly msg: string;
  readonly address?: string;
  readonly level: number;
  readonly unknown?: string[];
}

class Squashd {
  readonly lines: Line[] = [];
  readonly said: string[] = [];
  readonly #child: ChildProcess;
  readonly #reader;

  constructor(env: Record<string, string>) {
    const settings = { SQUASH_DATA: dir, SQUASH_PORT: '0', SQUASH_BACKEND: 'memory', ...env };
    this.#child = spawn(process.execPath, [PROGRAM], { env: settings, stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(this.#child);
    this.#reader = createInterface({ input: this.#child.stderr as NodeJS.ReadableStream });
    this.#reader.on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Line);
      else this.said.push(line);
    });
  }

  /** The address, once it serves. */
  async serving(): Promise<string> {
    for (;;) {
      const address = this.lines.find((line) => line.msg === 'Serving')?.address;
      if (address !== undefined) return address;
      await once(this.#reader, 'line');
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }
}

test('squashd without isolation answers health and layers, and says at create what is missing', async () => {
  const daemon = new Squashd({});
  const address = await daemon.serving();
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const health = await fetch(`${address}/cgi-bin/health`);
  expect(await health.json()).toMatchObject({ status: 'ok', backend: 'memory', sandboxes: 0, base_ready: false });
  expect(await (await fetch(`${address}/cgi-bin/api/modules`)).json()).toEqual([]);
  const created = await fetch(`${address}/cgi-bin/api/sandboxes`, { method: 'POST', body: '{"id":"a"}' });
  expect(created.status).toBe(503);
  expect(await created.json()).toEqual({ error: expect.stringContaining('SQUASH_BACKEND=memory') });
  daemon.signal('SIGTERM');
  expect(await daemon.ended()).toBe(0);
});

test('squashd refuses wrong settings with all of them in one line, and as hopeless', async () => {
  const daemon = new Squashd({ SQUASH_PORT: 'x', SQUASH_UPPER: 'xfs' });
  expect(await daemon.ended()).toBe(2);
  expect(daemon.said).toEqual([
    expect.stringMatching(/^squashd: Cannot read the settings: SQUASH_PORT.*; SQUASH_UPPER/),
  ]);
});

test('squashd refuses to serve without a broker', async () => {
  const daemon = new Squashd({ SQUASH_BACKEND: 'chroot' });
  expect(await daemon.ended()).toBe(1);
  expect(daemon.said.join('\n')).toMatch(/no squash-broker started it\n.*script\/squashd/);
});

test('squashd refuses damaged records, and as hopeless', async () => {
  const first = new Squashd({});
  await first.serving();
  first.signal('SIGTERM');
  await first.ended();
  await writeFile(join(dir, 'state', 'sandboxes.jsonl'), '{"sum":"0000000000000000","entry":{}}\n');
  const daemon = new Squashd({});
  expect(await daemon.ended()).toBe(2);
  expect(daemon.lines.at(-1)).toMatchObject({ msg: 'Cannot start', err: { code: 'RECORD_DAMAGED' } });
});

test('squashd waits for a predecessor that is going', async () => {
  const old = createServer();
  old.listen(0, '127.0.0.1');
  await once(old, 'listening');
  const { port } = old.address() as { port: number };
  const daemon = new Squashd({ SQUASH_PORT: String(port) });
  const serving = daemon.serving();
  // It has met the other one by then: its records are open, which comes before listening.
  await expect.poll(() => exists(join(dir, 'state', 'sandboxes.jsonl'))).toBe(true);
  old.close();
  expect(await serving).toBe(`http://127.0.0.1:${port}`);
});

test('squashd warns of an open address, and names settings that nothing reads', async () => {
  const daemon = new Squashd({ SQUASH_LISTEN: '0.0.0.0', SQUASH_MAX_SANDBOX: '1' });
  await daemon.serving();
  expect(daemon.lines).toContainEqual(expect.objectContaining({ unknown: ['SQUASH_MAX_SANDBOX'], level: 40 }));
  expect(daemon.lines).toContainEqual(expect.objectContaining({ msg: expect.stringContaining('SQUASH_AUTH_TOKEN') }));
});

test('squashd with a token wants it, and never logs it', async () => {
  const daemon = new Squashd({ SQUASH_AUTH_TOKEN: 'sesame-open', SQUASH_LISTEN: '127.0.0.1' });
  const address = await daemon.serving();
  expect((await fetch(`${address}/cgi-bin/api/sandboxes`)).status).toBe(401);
  const headers = { authorization: 'Bearer sesame-open' };
  expect((await fetch(`${address}/cgi-bin/api/sandboxes`, { headers })).status).toBe(200);
  daemon.signal('SIGINT');
  expect(await daemon.ended()).toBe(0);
  expect(JSON.stringify(daemon.lines)).not.toContain('sesame');
});

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
