import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FillLayer, fillBusyboxBase, publishFixture } from '../../support/fixture-layers.ts';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';
import { PrivateServer, QUICK_START_CREATE, QUICK_START_EXEC } from '../../support/quick-start.ts';
import { run } from '../../support/run.ts';

let dataFolder: string;

/** What is asked of Python is to print 42: this one can do that, and nothing else. */
const fillPython: FillLayer = (folder) => {
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  const program = '#!/bin/sh\n[ "$1" = -c ] && [ "$2" = "print(42)" ] && exec echo 42\nexit 1\n';
  writeFileSync(join(folder, 'usr/bin/python3'), program, { mode: 0o755 });
};

beforeAll(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'quick-'));
  run(['chmod', '711', dataFolder]);
  publishFixture(dataFolder, '000-base-alpine', fillBusyboxBase);
  publishFixture(dataFolder, '100-python312', fillPython);
});
afterAll(() => rmSync(dataFolder, { recursive: true }));

test('the two curl lines of the quick start work as they are printed', async () => {
  const broker = [`${INSTALLED}/squash-broker`, 'serve', '--data', dataFolder, '--uid-base', Installation.uidBase];
  const daemon = [
    '--ready',
    '0',
    '--agent',
    `${INSTALLED}/squash-agent`,
    '--',
    `${INSTALLED}/node`,
    `${INSTALLED}/squashd.mjs`,
  ];
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    SQUASH_DATA: dataFolder,
    SQUASH_UPPER_LIMIT_MB: '32',
    SQUASH_READY_UPPERS: '0',
    SQUASH_DISK_RESERVE_MB: '64',
  };
  // The log is on stderr; its first line comes when the daemon serves.
  await using server = await PrivateServer.start(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...broker, ...daemon], env);
  expect(JSON.parse(await server.paste(QUICK_START_CREATE))).toMatchObject({
    id: 'dev',
    layers: ['000-base-alpine', '100-python312'],
    state: 'running',
    backend: 'chroot',
  });
  const result = await server.paste(QUICK_START_EXEC);
  expect(JSON.parse(result)).toMatchObject({ seq: 1, exit_code: 0, stdout: '42\n', stderr: '' });
  expect(result.endsWith('}\n')).toBe(true);
  await server.paste('curl -sf -X DELETE localhost:8080/cgi-bin/api/sandboxes/dev');
});
