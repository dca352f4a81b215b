import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';
import { run } from '../../support/run.ts';

describe.each(['squash-broker', 'squash-agent'])('%s', (program) => {
  const read = (flag: string): string => run(['readelf', '-W', flag, `${INSTALLED}/${program}`]).stdout;

  test('is a static position-independent program, without a loader', () => {
    expect(read('--file-header')).toMatch(/Type:\s+DYN/);
    expect(read('--program-headers')).not.toMatch(/\bINTERP\b/);
    expect(read('--dynamic')).not.toMatch(/NEEDED/);
    expect(read('--dynamic')).toMatch(/PIE/);
  });

  test('has no stack that can be executed and nothing that can be written and executed', () => {
    const headers = read('--program-headers');
    expect(headers).toMatch(/GNU_STACK.*\bRW\b/);
    expect(headers).not.toMatch(/^\s+LOAD.*\bRWE\b/m);
    expect(headers).not.toMatch(/GNU_STACK.*E/);
  });

  test('is relocated once and then read-only', () => {
    expect(read('--program-headers')).toMatch(/GNU_RELRO/);
    expect(read('--dynamic')).toMatch(/BIND_NOW|NOW/);
  });

  test('is compiled with stack protectors and checked string functions', () => {
    const symbols = run(['nm', `${import.meta.dirname}/../../../build/native/${program}.debug`]).stdout;
    expect(symbols).toMatch(/__stack_chk_fail/);
    expect(symbols).toMatch(/__\w+_chk\b/);
  });
});

describe('while it serves', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  const field = (pid: number | string, name: string): string | undefined =>
    new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

  const modeOf = (pid: number | string): string | undefined => {
    try {
      return field(pid, 'Seccomp');
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 'gone';
      throw error;
    }
  };

  test('the broker, its starters and its daemon are under a system call filter', () => {
    const children = readFileSync(`/proc/${installation.brokerPid}/task/${installation.brokerPid}/children`, 'utf8');
    // A worker may be gone before it is looked at.
    const pids = [String(installation.brokerPid), ...children.trim().split(' ')].filter((pid) =>
      existsSync(`/proc/${pid}/status`),
    );
    expect(pids.length).toBeGreaterThan(3);
    expect(pids).toContain(String(installation.daemonPid));
    for (const pid of pids) expect(modeOf(pid)).toMatch(/^(2|gone)$/);
    expect(modeOf(installation.brokerPid)).toBe('2');
    expect(modeOf(installation.daemonPid)).toBe('2');
  });

  test('the daemon has no privilege and gains none', () => {
    expect(field(installation.daemonPid, 'NoNewPrivs')).toBe('1');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
      expect(field(installation.daemonPid, set)).toMatch(/^0+$/);
    expect(field(installation.daemonPid, 'Uid')).not.toMatch(/\b0\b/);
  });

  test('the daemon has one descriptor of the broker, its connection', () => {
    const folder = `/proc/${installation.daemonPid}/fd`;
    const places = readdirSync(folder).map((fd) => run(['readlink', `${folder}/${fd}`]).stdout.trim());
    const open = (path: string): boolean =>
      places.some((place) => place.startsWith(path) && !place.startsWith(`${installation.dataFolder}/state`));
    expect(open(installation.runFolder)).toBe(false);
    expect(open('/dev/loop')).toBe(false);
    expect(places.some((place) => place.includes('mnt:['))).toBe(false);
  });
});

test.each(['0', '1', '65535'])('an id base of %s, where the host has its own users, is refused', (base) => {
  const words = ['serve', '--data', `${process.env.TMPDIR ?? '/tmp'}/refused`, '--uid-base', base];
  const { status, stderr } = run([
    `${INSTALLED}/squash-broker`,
    ...words,
    ...['--agent', `${INSTALLED}/squash-agent`, '--', '/bin/true'],
  ]);
  expect(stderr).toContain(`--uid-base ${base} is below 65536`);
  expect(status).toBe(2);
});
