import { expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../sandboxes/types.ts';
import { infoLines, logsTable, sandboxesTable } from './sandbox-tables.ts';

const NOW = new Date('2026-02-13T10:05:00Z');
const INFO: SandboxInfo = {
  id: 'a-sandbox-with-a-long-name-that-is-hard-to-fit',
  owner: 'somebody-with-a-long-name',
  task: 'lint',
  layers: ['000-base-debian', '100-nodejs24', '300-dependencies-of-the-project'],
  created: '2026-02-13T10:00:00Z',
  last_active: '2026-02-13T10:00:00Z',
  mounted: true,
  exec_count: 12_345,
  upper_bytes: 81_920,
  snapshots: [],
  active_snapshot: null,
  cpu: 0.5,
  memory_mb: 256,
  max_lifetime_s: 600,
  allow_net: [],
  network: 'none',
  nesting: false,
  state: 'destroying',
  backend: 'chroot',
  upper_limit_bytes: 536_870_912,
  expires: '2026-02-13T10:10:00Z',
};

test('sandboxesTable() fits 80 columns and keeps what cannot be cut', () => {
  const lines = sandboxesTable([INFO], { width: 80, now: NOW });
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  expect(lines[1]).toMatch(/ destroying .* 5 min +12345 +80 KiB$/);
});

test('infoLines() says limits, age and what is left', () => {
  const text = infoLines(INFO, { width: 80, now: NOW }).join('\n');
  expect(text).toMatch(/^limits +0\.5 CPU, 256 MiB memory, 512 MiB to write$/m);
  expect(text).toMatch(/^created +2026-02-13T10:00:00Z \(5 min ago\)$/m);
  expect(text).toMatch(/^expires +2026-02-13T10:10:00Z \(in 5 min\)$/m);
  expect(infoLines({ ...INFO, expires: null }, { width: 80, now: NOW }).join('\n')).toMatch(/^expires +never$/m);
});

test('logsTable() says how each command ended, on one line each', () => {
  const result: ExecResult = {
    seq: 1,
    cmd: 'echo a\necho b',
    workdir: '/',
    exit_code: 0,
    started: '2026-02-13T10:00:00Z',
    finished: '2026-02-13T10:00:00Z',
    duration_ms: 4,
    timed_out: false,
    truncated: false,
    stdout: '',
    stderr: '',
  };
  const ends = [
    result,
    { ...result, seq: 2, exit_code: 124, timed_out: true },
    { ...result, seq: 3, exit_code: 137, oom: true as const },
    { ...result, seq: 4, exit_code: -1, interrupted: true as const },
  ];
  const [head, ...lines] = logsTable(ends, 80);
  expect(head).toMatch(/^SEQ +EXIT +TOOK +STARTED +COMMAND$/);
  expect(lines.map((line) => line.trim().split(/ {2,}/)[1])).toEqual(['0', 'timeout', '137 oom', 'lost']);
  expect(lines[0]).toMatch(/echo a echo b$/);
});
