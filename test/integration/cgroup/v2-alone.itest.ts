import { expect, test } from 'vitest';
import { parseSuiteReport, suiteCommand } from '../../support/suite-report.ts';
import { guestKernel } from '../../support/virtual-machine/guest-kernel.ts';
import { missingForVirtualMachine, runInVirtualMachine } from '../../support/virtual-machine/virtual-machine.ts';

const FILES = [
  'test/integration/cgroup/limits',
  'test/integration/broker/kill-tree',
  'test/security/limits',
  'test/e2e/force/memory',
  'test/e2e/life/first-path',
];
// The last one tries what kernels of distributions have, and the host's may not.
const LONG_FILES = ['test/integration/runtime', 'test/e2e/crash/reboot', 'test/security/refusals'];
const { files, testsMin, timeoutMs } =
  process.env.SQUASH_TEST_LONG === '1'
    ? { files: [...FILES, ...LONG_FILES], testsMin: 180, timeoutMs: 20 * 60_000 }
    : { files: FILES, testsMin: 20, timeoutMs: 8 * 60_000 };

test(
  'limits hold, kills reach and sandboxes are taken over on a host that has cgroup v2 alone',
  async ({ skip }) => {
    const missing = missingForVirtualMachine();
    if (missing !== undefined) return skip(missing);
    const kernel = await guestKernel();
    if (kernel === undefined) return skip('no package source');
    const run = await runInVirtualMachine(suiteCommand(files), { kernel, timeoutMs });
    const report = parseSuiteReport(run.answer, run.console);
    const { passed, failures, skipped } = report.tally;
    console.log(`  Linux ${report.kernel}: ${passed} passed, ${skipped.length} skipped`);
    expect(report).toMatchObject({ cgroupMounts: ['cgroup2'], cgroups: '0::/\n' });
    expect(failures, run.console).toEqual([]);
    expect(skipped.filter(({ reason }) => !reason?.startsWith('this kernel was built without it'))).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(testsMin);
  },
  timeoutMs + 60_000,
);
