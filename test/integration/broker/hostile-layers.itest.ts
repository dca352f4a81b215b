import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FillLayer } from '../../support/fixture-layers.ts';
import { Installation } from '../../support/installation.ts';

// What the process that becomes PID 1 may hold open while it still writes /etc: every descriptor of the broker.
const DESCRIPTORS = Array.from({ length: 14 }, (_, index) => index + 3);

let canary: string;
let installation: Installation;

/** Replaces a folder of the base with a link that leads to the host by a descriptor of whoever follows it. */
function linkOut(name: string, fd: number): FillLayer {
  return (folder) => symlinkSync(`/proc/self/fd/${fd}/../../../../../../..${canary}`, join(folder, name));
}

beforeAll(async () => {
  canary = mkdtempSync(join(tmpdir(), 'canary-'));
  chmodSync(canary, 0o777);
  installation = await Installation.start({
    layers: {
      ...Object.fromEntries(DESCRIPTORS.map((fd) => [`100-etc-${fd}`, linkOut('etc', fd)])),
      '200-dev': linkOut('dev', 3),
      '200-proc': linkOut('proc', 3),
      '200-sys': linkOut('sys', 3),
      '300-files': (folder) => {
        mkdirSync(join(folder, 'etc'));
        for (const name of ['hostname', 'hosts', 'resolv.conf'])
          symlinkSync(`/proc/self/fd/3/../../../../../../..${canary}/${name}`, join(folder, 'etc', name));
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  rmSync(canary, { recursive: true, force: true });
});

function create(id: string, layer: string) {
  return installation.call('POST', '/cgi-bin/api/sandboxes', { id, layers: ['000-base-test', layer] });
}

test.each(DESCRIPTORS)(
  'a layer whose /etc is a link out by descriptor %i is refused, and nothing is written',
  async (fd) => {
    const answer = await create(`etc-${fd}`, `100-etc-${fd}`);
    expect(readdirSync(canary)).toEqual([]);
    expect(answer).toMatchObject({ status: 500, body: { error: expect.stringContaining('write /etc') } });
  },
);

test.each(['dev', 'proc', 'sys'])('a layer whose /%s is a link is refused', async (name) => {
  const answer = await create(name, `200-${name}`);
  expect(readdirSync(canary)).toEqual([]);
  expect(answer).toMatchObject({ status: 500, body: { error: expect.stringContaining('find the mount point') } });
});

test('links in the place of the files of /etc are replaced', async () => {
  expect(await create('files', '300-files')).toMatchObject({ status: 201 });
  const cat = await installation.call('POST', '/cgi-bin/api/sandboxes/files/exec', { cmd: 'cat /etc/hostname' });
  expect(cat).toMatchObject({ body: { stdout: 'files\n' } });
  expect(readdirSync(canary)).toEqual([]);
});
