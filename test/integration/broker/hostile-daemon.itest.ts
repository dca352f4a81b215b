import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { fillBusyboxBase, publishFixture } from '../../support/fixture-layers.ts';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import { run } from '../../support/run.ts';
import { idOf } from './store.ts';

const LONG = process.env.SQUASH_TEST_LONG === '1';
const LIVES = LONG ? 40 : 6;
const FRAMES = 250;
const SEED = Math.floor(Math.random() * 2 ** 31);

/** Everything that tells whether a tree was touched; of names that another test may change, only that they are there. */
function snapshot(path: string): Map<string, string> {
  const found = new Map<string, string>();
  const look = (at: string): void => {
    const { ino, mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(at);
    const isFolder = (mode & 0o170_000) === 0o040_000;
    found.set(at, [ino, mode, uid, gid, ...(isFolder ? [] : [size, mtimeMs, ctimeMs])].join(' '));
    if (isFolder) for (const name of readdirSync(at)) look(join(at, name));
  };
  look(path);
  return found;
}

class HostileWorld implements AsyncDisposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-')));
  readonly data = join(this.folder, 'data');
  readonly canary = join(this.folder, 'canary');
  readonly lives = join(this.folder, 'lives');
  readonly log: string[] = [];
  broker: ChildProcess | undefined;
  readonly #failures = new EventEmitter();

  constructor() {
    chmodSync(this.folder, 0o711);
    mkdirSync(this.data, { mode: 0o711 });
    const base = publishFixture(this.data, '000-base-test', fillBusyboxBase);
    const [uid, gid] = [idOf('-u', 'squash'), idOf('-g', 'squash')];
    for (const [path, mode] of [
      [this.canary, 0o755],
      [join(this.canary, 'drop'), 0o777],
      [this.lives, 0o777],
    ] as const) {
      mkdirSync(path);
      chmodSync(path, mode);
    }
    writeFileSync(join(this.canary, 'secret'), 'of root', { mode: 0o600 });
    writeFileSync(join(this.canary, 'open'), 'for all to read', { mode: 0o644 });
    // Its own file, of which it may make hard links whatever fs.protected_hardlinks says.
    writeFileSync(join(this.canary, 'mine'), 'of squash', { mode: 0o600 });
    chownSync(join(this.canary, 'mine'), uid, gid);
    copyFileSync(join(import.meta.dirname, 'hostile-daemon.py'), this.script);
    chmodSync(this.script, 0o644);
    const plan = { data: this.data, canary: this.canary, lives: this.lives, base, seed: SEED };
    writeFileSync(this.plan, JSON.stringify({ ...plan, life_count: LIVES, frames: FRAMES, swaps: LONG ? 3000 : 200 }), {
      mode: 0o644,
    });
  }

  get script(): string {
    return join(this.folder, 'hostile-daemon.py');
  }

  get plan(): string {
    return join(this.folder, 'plan.json');
  }

  /** Runs the daemon's lives over this broker. @returns what the last one tells. */
  async play(program: string): Promise<{ published: number; could: string[] }> {
    const words = ['serve', '--data', this.data, '--uid-base', Installation.uidBase, '--ready', '2'];
    const broker = spawn(
      program,
      [...words, '--agent', `${INSTALLED}/squash-agent`, '--', '/usr/bin/python3', this.script, this.plan],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin', ASAN_OPTIONS: 'detect_leaks=0' } },
    );
    this.broker = broker;
    createInterface({ input: broker.stderr }).on('line', (line) => {
      this.log.push(line);
      if (/^\w*(Error|Exception)\b/.test(line)) this.#failures.emit('failed');
    });
    const said = once(createInterface({ input: broker.stdout }), 'line');
    const ended = once(broker, 'exit').then(([code, signal]) => {
      throw new Error(`The broker ended (${code ?? signal}), seed ${SEED}:\n${this.log.slice(-60).join('\n')}`);
    });
    const failed = once(this.#failures, 'failed').then(() => {
      throw new Error(`The hostile daemon failed, seed ${SEED}:\n${this.log.slice(-30).join('\n')}`);
    });
    const [line] = await Promise.race([said, ended, failed]);
    for (const late of [ended, failed]) late.catch(() => undefined);
    return JSON.parse(line);
  }

  /** What each life has seen that was to break the protocol. */
  reports(): { asked: number; errors: Record<string, number>; could: string[] }[] {
    return Array.from({ length: LIVES }, (_, life) => JSON.parse(readFileSync(join(this.lives, String(life)), 'utf8')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.broker?.exitCode === null && this.broker.signalCode === null) {
      const ended = once(this.broker, 'exit');
      this.broker.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const SANITIZED = join(PROJECT_ROOT, 'build/native/test/squash-broker-sanitized');

beforeAll(() => {
  const { status, stderr } = run(['make', '-s', '-C', join(PROJECT_ROOT, 'native'), 'test-broker']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
}, 300_000);

describe.each([
  ['as installed', `${INSTALLED}/squash-broker`],
  ['under the sanitizers', SANITIZED],
])('a broker %s, under a hostile daemon,', (_, program) => {
  test(
    'outlives it, touches nothing else, and serves the next one',
    async () => {
      await using world = new HostileWorld();
      const before = [snapshot(join(world.canary)), snapshot('/etc')];
      const last = await world.play(program);

      expect([snapshot(world.canary), snapshot('/etc')].map((now) => now.get(world.canary) ?? now.size)).toEqual(
        before.map((then) => then.get(world.canary) ?? then.size),
      );
      for (const [path, stats] of before[0] ?? []) {
        // The daemon may make hard links of its own file, which changes ctime and nothing else.
        const kept = path.endsWith('/mine') ? stats.replace(/ [^ ]+$/, '') : stats;
        expect(`${path}: ${snapshot(world.canary).get(path)}`).toContain(`${path}: ${kept}`);
      }
      expect(snapshot('/etc')).toEqual(before[1]);
      expect(readdirSync(world.data).toSorted()).toEqual(
        ['.lock', 'modules', 'sandboxes', 'staging', 'state', 'uppers'].toSorted(),
      );

      // Every layer of the store has the bytes that its name says, whatever became of the staged files.
      const stored = join(world.data, 'modules/sha256');
      const names = readdirSync(stored).filter((name) => name.endsWith('.squashfs'));
      expect(names.length).toBeGreaterThan(1);
      for (const name of names)
        expect(
          `${createHash('sha256')
            .update(readFileSync(join(stored, name)))
            .digest('hex')}.squashfs`,
        ).toBe(name);

      // It has looked: many answers of many kinds, some of them done; and some swaps went through.
      const reports = world.reports();
      expect(reports.map(({ asked }) => asked > FRAMES)).toEqual(reports.map(() => true));
      const kinds = new Set(reports.flatMap(({ errors }) => Object.keys(errors)));
      expect([...kinds]).toEqual(expect.arrayContaining(['done', 'EINVAL', 'ENOENT', 'EEXIST']));
      expect([...reports, last].flatMap(({ could }) => could)).toEqual([]);
      expect(last.published).toBeGreaterThan(0);
      expect(world.log.filter((line) => line.includes('cannot be right'))).toHaveLength(LIVES);
      expect(world.log.filter((line) => /ERROR|runtime error|panic/.test(line))).toEqual([]);
      expect(world.broker).toMatchObject({ exitCode: null, signalCode: null });
    },
    LONG ? 1_800_000 : 180_000,
  );
});
