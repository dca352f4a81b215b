import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../../script/lib/test/run-command.ts';
import { parseSuiteReport, suiteCommand } from '../../support/suite-report.ts';

const FILES = [
  'test/integration/runtime',
  'test/integration/cgroup/limits',
  'test/integration/broker/kill-tree',
  'test/security/limits',
  'test/e2e/force/timeouts',
  'test/e2e/life/first-path',
];
const TIMEOUT_MS = 5 * 60_000;

/**
 * This host without its v2 tree, for one process and what it starts. Its test run has a lock of its own, as this one holds the
 * machine's and waits for it.
 */
const HIDE_V2 = `
  umount --lazy --all --types cgroup2
  mount -t tmpfs lock /run/lock
  exec sh -euc "$1" >"$2"`;

test(
  'limits hold, kills reach and sandboxes are taken over on a host that has cgroup v1 alone',
  async ({ skip }) => {
    const controllers = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/ - cgroup \S+ (\S+)/g);
    const there = Array.from(controllers, ([, options = '']) => options.split(',')).flat();
    if (!['memory', 'cpu', 'pids', 'freezer'].every((name) => there.includes(name)))
      return skip('this host has no cgroup v1 with all controllers');
    const work = mkdtempSync(join(tmpdir(), 'v1-'));
    const answer = join(work, 'answer');
    let said = '';
    const seconds = `${TIMEOUT_MS / 1000}`;
    const bounded = ['timeout', '--kill-after=10', seconds, 'unshare', '--mount', '--propagation', 'private'];
    const problem = await runCommand([...bounded, 'sh', '-euc', HIDE_V2, 'sh', suiteCommand(FILES), answer], {
      timeoutMs: TIMEOUT_MS + 20_000,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', TMPDIR: tmpdir() },
      onOutput: (text) => {
        said += text;
      },
    });
    const printed = existsSync(answer) ? readFileSync(answer, 'utf8') : '';
    rmSync(work, { recursive: true });
    expect(problem, said).toBeUndefined();
    const report = parseSuiteReport(printed, said);
    console.log(`  Linux ${report.kernel}: ${report.tally.passed} passed`);
    expect(report.cgroupMounts).toEqual(['cgroup']);
    expect(report.tally.failures, said).toEqual([]);
    expect(report.tally.skipped).toEqual([]);
    expect(report.tally.passed).toBeGreaterThanOrEqual(60);
  },
  TIMEOUT_MS + 60_000,
);
