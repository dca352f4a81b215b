import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';
import { run } from '../../support/run.ts';
import { comeBack } from './come-back.ts';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start();
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.restore());

/** What each of these makes in an empty folder must come back as it was. `says` is what the walker must have seen of it. */
const KINDS: Readonly<Record<string, { line: string; says: RegExp; lines: number }>> = {
  'regular files': {
    line: 'echo one > a; head -c 300000 /dev/urandom > b',
    says: /^\/b 100644 .* size 300000 /m,
    lines: 3,
  },
  'empty files': { line: 'touch a; : > b', says: /^\/a 100644 .* size 0 /m, lines: 3 },
  'files with holes': {
    line: 'truncate -s 20M a; echo end >> a; truncate -s 5M b; echo x | dd of=c bs=1 seek=3000000 2>/dev/null; truncate -s 4M c',
    says: /^\/a 100644 .* size 20971524 /m,
    lines: 4,
  },
  'hard links in several folders': {
    line: 'mkdir p q p/r; echo x > p/one; ln p/one q/two; ln p/one p/r/three; ln p/one four; echo y > q/other; ln q/other p/other',
    says: /^\/q\/two .* links 4 of \/four /m,
    lines: 10,
  },
  'hard links to links and to FIFOs': {
    line: 'ln -s nowhere a; ln a b; mkdir p; ln a p/c; mkfifo f; ln f p/g',
    says: /^\/p\/c 120777 .* links 3 of \/a to nowhere$/m,
    lines: 7,
  },
  'symbolic links, up to 4,095 bytes': {
    line: 'ln -s "$(printf %04095d 0)" long; ln -s ../../x//. odd; ln -s / root; ln -s "$(printf "a\\nb \\377")" bytes; ln -s ./-x dot',
    says: /^\/long 120777 .* to 0{4095}$/m,
    lines: 6,
  },
  FIFOs: { line: 'mkfifo -m 621 a', says: /^\/a 10621 /m, lines: 2 },
  'odd names': {
    line: `for name in 'a b' '\\' '-' '--' '-o' '-e x' '*' '...' '..x' '~' '=' 'a\\x20b' ' ' "$(printf 'new\\nline')" "$(printf '\\377\\376')" "$(printf '\\001\\177')" '"' "'"; do echo x > "./$name"; done`,
    says: /^\/new\\0aline 100644 /m,
    lines: 19,
  },
  'names of 99 to 101 and of 255 bytes': {
    line: 'for n in 99 100 101 254 255; do mkdir "$(printf %0${n}d 1)"; echo $n > "$(printf %0${n}d 2)"; done; ln "$(printf %0255d 2)" linked',
    says: /^\/0{254}2 100644 .* links 2 /m,
    lines: 12,
  },
};

test.each(Object.entries(KINDS))(
  'capture() brings back %s, and gives equal bytes twice',
  async (_, { line, says, lines }) => {
    const { lost, seen, count } = await comeBack(site, line);
    expect(seen).toMatch(says);
    expect(count).toBe(lines);
    expect(lost).toMatchObject({ sockets: 0, accessLists: 0, times: 0, attributes: 0 });
  },
);

test('capture() keeps holes as holes, as unsquashfs finds them', async () => {
  await site.sh('truncate -s 9G /huge; echo end >> /huge');
  const { digest, sizeBytes } = await site.capture();
  expect(sizeBytes).toBeLessThan(1 << 20);
  const listed = run(['unsquashfs', '-lln', site.image(digest)]);
  expect(listed.stdout).toMatch(/^-rw-r--r-- 0\/0 +9663676420 .* squashfs-root\/huge$/m);
  await site.restore(digest);
  expect(await site.sh('tail -c 4 /huge; stat -c "%s" /huge; du -k /huge | cut -f1')).toMatch(
    /^end\n9663676420\n\d{1,4}\n$/,
  );
});

test('capture() counts sockets, and what they had covered stays gone', async () => {
  await site.sh('mkdir /t; rm /etc/group; /tree socket /etc/group; /tree socket /t/new; mkdir /etc/d');
  const before = await site.walk('/etc');
  const { digest, lost } = await site.capture();
  expect(lost.sockets).toBe(2);
  await site.restore(digest);
  expect(await site.walk('/etc')).toEqual(before);
  expect(await site.sh('ls -A /t; ls /etc')).toBe('d\npasswd\n');
});

test('an image says the same to unsquashfs as to the kernel', async () => {
  await site.sh('mkdir /t; cd /t; echo one > a; ln a b; chown 7:9 a; chmod 4751 a; /tree attribute a user.x 00ff0a3d');
  const { digest } = await site.capture();
  const folder = mkdtempSync(join(tmpdir(), 'unpacked-'));
  expect(run(['unsquashfs', '-q', '-n', '-f', '-d', folder, site.image(digest)])).toMatchObject({ stderr: '' });
  expect(run(['stat', '-c', '%n %a %u %g %h', 'a', 'b'], { cwd: join(folder, 't') }).stdout).toBe(
    'a 4751 7 9 2\nb 4751 7 9 2\n',
  );
  expect(run(['getfattr', '-d', '-e', 'hex', 'a'], { cwd: join(folder, 't') }).stdout).toContain('user.x=0x00ff0a3d');
  rmSync(folder, { recursive: true });
});
