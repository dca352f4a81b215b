// What a sandbox may write so that its capture harms: the host, another sandbox, or its own restore.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../contracts/machine-commands.ts';
import { CaptureSite } from '../support/capture-site.ts';
import { run } from '../support/run.ts';

const MIB = 1024 * 1024;
/** As many as can be made and packed within the time of a test. */
const WHITEOUTS = 100_000;

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start({
    fill: (folder) => {
      mkdirSync(join(folder, 'devices'));
      for (const [name, ...node] of [
        ['urandom', 'c', '1', '9'],
        ['loop', 'b', '7', '0'],
      ] as const)
        expect(run(['mknod', '-m', '666', join(folder, 'devices', name), ...node]).status).toBe(0);
      for (let i = 0; i < WHITEOUTS; i++) {
        if (i % 1000 === 0) mkdirSync(join(folder, 'many', `${i / 1000}`), { recursive: true });
        writeFileSync(join(folder, 'many', `${Math.floor(i / 1000)}`, `${i}`), '');
      }
    },
    upper: { sizeBytes: 256 * MIB },
  });
});
afterAll(() => site?.[Symbol.asyncDispose]());

test(`${WHITEOUTS} whiteouts are packed, and the files stay deleted`, async () => {
  await site.sh('cd /many; for d in *; do rm -rf "$d"/*; done');
  const before = await site.walk('/many');
  expect(before.length).toBe(1 + WHITEOUTS / 1000);
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await site.walk('/many')).toEqual(before);
  expect(await site.sh('find /many | wc -l')).toBe(`${1 + WHITEOUTS / 1000}\n`);
});

test('set-uid files and devices of a layer come back as they were, and work no better than before', async () => {
  await site.restore();
  await site.sh(
    'cp /bin/busybox /su; chown 1:1 /su; chmod 6755 /su; cp -a /devices/urandom /copied 2>/dev/null || true; chmod 600 /devices/urandom /devices/loop',
  );
  const before = await site.walk('/devices');
  expect(before.join('\n')).toMatch(/^\/urandom 20600 .* device 109$/m);
  const use = 'head -c 1 /devices/urandom >/dev/null 2>&1 && echo read || echo refused';
  expect(await site.sh(use)).toBe('refused\n');
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await site.walk('/devices')).toEqual(before);
  expect(await site.sh(`${use}; stat -c "%a %u" /su; test ! -e /copied`)).toBe('refused\n6755 1\n');
  // Out here nothing of it is reached by anybody but root.
  expect(
    run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'head', '-c', '1', site.image(digest)]).status,
  ).not.toBe(0);
});

test('names that look like options, and 2,000 levels, are names', async () => {
  await site.restore();
  await site.sh(
    'mkdir /t; cd /t; for name in - -- -o -comp "-p x d 777 0 0" -noappend --help; do mkdir "./$name"; echo x > "./$name/-ef"; done; /tree deep /t 4000 1',
  );
  const before = await site.walk('/t');
  expect(before.length).toBeGreaterThan(2000);
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await site.walk('/t')).toEqual(before);
});

test('a folder that is swapped for a link again and again is captured as the one or the other', async () => {
  await site.restore();
  await site.sh('mkdir -p /t/real /t/keep; echo inside > /t/real/file; cp -r /bin /t/keep/many');
  const swap = 'cd /t; while :; do mv real aside; ln -s /etc real; rm real; mv aside real; done';
  const { process } = await start(site.machine, swap);
  for (let i = 0; i < 10; i++) {
    const { digest } = await site.capture();
    const listed = run(['unsquashfs', '-ll', site.image(digest)]).stdout;
    expect(listed).toContain('/many/busybox');
    // Frozen, it has one state; and nothing is ever read through a link.
    expect([...listed.matchAll(/squashfs-root\/t\/(real|aside)( -> \/etc)?$/gm)].length).toBeLessThanOrEqual(2);
    expect(listed).not.toMatch(/t\/real\/passwd/);
    expect(listed.match(/t\/(real|aside)\/file$/gm)?.length).toBe(1);
  }
  await process[Symbol.asyncDispose]();
  expect(readdirSync(join(site.dataFolder, 'modules/.taken'))).toEqual([]);
});
