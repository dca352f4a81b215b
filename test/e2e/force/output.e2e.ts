import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ExecResult } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';

const MIB = 1024 * 1024;

/** Resident memory, in bytes. */
function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0);
}

// `yes` writes line by line here, and takes a minute for as much.
const FLOODS = ['head -c 2048m /dev/zero', ...(process.env.SQUASH_TEST_LONG === '1' ? ['yes | head -c 2048m'] : [])];

test.each(FLOODS)(
  'output of 2 GiB costs the daemon neither memory nor disk: %s',
  async (cmd) => {
    // No upper is made meanwhile.
    await using installation = await Installation.start({ env: { SQUASH_READY_UPPERS: '0' } });
    const created = await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'loud', memory_mb: 64 });
    expect(created).toMatchObject({ status: 201 });
    const exec = (words: string) =>
      installation.call('POST', '/cgi-bin/api/sandboxes/loud/exec', { cmd: words, timeout: 120 });
    // What the daemon loads for its first command is not counted.
    await exec('true');
    const dataBefore = folderBytes(installation.dataFolder);
    const idle = rssOf(installation.daemonPid);
    let most = idle;
    const watching = setInterval(() => {
      most = Math.max(most, rssOf(installation.daemonPid));
    }, 20);
    const result = await exec(cmd);
    clearInterval(watching);
    expect(result).toMatchObject({ status: 200, body: { exit_code: 0, truncated: true } });
    expect((result.body as ExecResult).stdout).toHaveLength(64 * 1024);
    expect(most - idle).toBeLessThanOrEqual(64 * MIB);
    expect(folderBytes(installation.dataFolder) - dataBefore).toBeLessThanOrEqual(MIB);
  },
  130_000,
);
