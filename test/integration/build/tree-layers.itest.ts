import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LAYER_TIME_SECONDS } from '../../../src/layers/build/layer-time.ts';
import { imageOf, listImage, makeTestSite, type TestSite, unpackImage } from './build-site.ts';

let here: TestSite;
beforeEach(async () => {
  here = await makeTestSite();
});
afterEach(() => here[Symbol.asyncDispose]());

const shell = (script: string, options: { cwd: string; env?: Record<string, string> }) =>
  execFileSync('bash', ['-euc', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
    env: { PATH: process.env.PATH, ...options.env },
  });

/** Everything that a layer keeps, made in the order of the words in `ORDER`. */
const TREE = `
declare -A make
make[hard]='[ -e bin/one ] || { mkdir -p bin; printf one >bin/one; }; ln bin/one bin/two'
make[one]='[ -e bin/one ] || { mkdir -p bin; printf one >bin/one; }'
make[suid]='mkdir -p bin; printf su >bin/su; chown 0:0 bin/su; chmod 4755 bin/su'
make[caps]='mkdir -p bin; printf ping >bin/ping; setcap cap_net_raw+ep bin/ping'
make[owner]='printf mine >mine; chown 1000:1001 mine; chmod 640 mine'
make[opaque]='mkdir -p etc; setfattr -n user.overlay.opaque -v y etc'
make[whiteout]='mknod -m 644 gone c 0 0'
make[device]='mknod -m 666 null c 1 3; mkfifo -m 644 pipe'
make[link]='ln -s ./bin/one link; ln -s /nowhere dangling'
make[names]=$'printf x >"two\\nlines"; printf y >-odd; printf z >caf\\xe9'
make[sparse]='truncate -s 3M sparse; printf end >>sparse'
make[long]='mkdir -p $(printf "%0.sdeeper/" {1..40}); printf x >$(printf "%0.sdeeper/" {1..40})leaf'
make[socket]='true'
for word in $ORDER; do eval "\${make[$word]}"; done
find . -type d -exec chmod 755 {} +
find . -type f ! -name su ! -name mine -exec chmod 644 {} +
setcap cap_net_raw+ep bin/ping`;
const WORDS = 'one hard suid caps owner opaque whiteout device link names sparse long'.split(' ');

test('the same content gives the same bytes: another order, umask, time zone, clock, folder and file system', async () => {
  const [first, second] = [join(here.home, 'first'), join(here.home, 'a/second')];
  await mkdir(first);
  await mkdir(join(here.home, 'a'));
  // tmpfs lists a folder by age, ext4 by hash.
  shell('mount -t tmpfs none a; mkdir a/second', { cwd: here.home });
  const mask = process.umask();
  try {
    shell(`umask 022; ${TREE}`, { cwd: first, env: { ORDER: WORDS.join(' '), TZ: 'UTC' } });
    const lookAround = "find . -exec touch -h -d '2001-02-03 04:05' {} +; ls -R >/dev/null; cat mine >/dev/null";
    const env = { ORDER: WORDS.toReversed().join(' '), TZ: 'Asia/Tokyo' };
    shell(`umask 077; ${TREE}; ${lookAround}`, { cwd: second, env });
    const one = await here.buildTree(first, '300-one');
    process.umask(0o077);
    process.env.TZ = 'America/Lima';
    const two = await here.buildTree(second, '300-two');
    expect(two.sidecar.sha256).toBe(one.sidecar.sha256);
  } finally {
    process.umask(mask);
    delete process.env.TZ;
    shell('umount a', { cwd: here.home });
  }
});

test.each([
  'printf One >bin/one',
  'chmod 755 bin/ping',
  'setfattr -x user.overlay.opaque etc',
  'setcap -r bin/ping',
  'chown 1 mine',
])('other content gives other bytes: %s', async (change) => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  shell(TREE, { cwd: tree, env: { ORDER: WORDS.join(' ') } });
  const before = await here.buildTree(tree, '300-before');
  shell(change, { cwd: tree });
  expect((await here.buildTree(tree, '300-after')).sidecar.sha256).not.toBe(before.sidecar.sha256);
});

test('a layer keeps what a tree holds', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  shell(TREE, { cwd: tree, env: { ORDER: WORDS.join(' ') } });
  const result = await here.buildTree(tree, '300-tree');
  expect(result.state).toBe('built');
  // The superblock's own time (Documentation/filesystems/squashfs.rst): when the image was made.
  expect((await readFile(imageOf(here, result))).readUInt32LE(8)).toBe(LAYER_TIME_SECONDS);
  const lines = listImage(imageOf(here, result));
  expect(lines).toMatch(/^drwxr-xr-x 0\/0 .* 1980-01-01 00:00 squashfs-root$/m);
  expect(lines).toMatch(/^-rwsr-xr-x 0\/0 .* squashfs-root\/bin\/su$/m);
  expect(lines).toMatch(/^-rw-r----- 1000\/1001 +4 1980-01-01 00:00 squashfs-root\/mine$/m);
  expect(lines).toMatch(/^crw-r--r-- 0\/0 +0, +0 .* squashfs-root\/gone$/m);
  expect(lines).toMatch(/^crw-rw-rw- 0\/0 +1, +3 .* squashfs-root\/null$/m);
  expect(lines).toMatch(/^prw.* squashfs-root\/pipe$/m);
  expect(lines).toMatch(/squashfs-root\/link -> \.\/bin\/one$/m);
  expect(lines).toContain('squashfs-root/two\nlines');
  const unpacked = join(here.home, 'unpacked');
  unpackImage(imageOf(here, result), unpacked);
  const said = shell(
    `getcap bin/ping; getfattr --only-values -n user.overlay.opaque etc; echo; stat -c %h bin/one; cmp sparse "${tree}/sparse"; ls -b`,
    { cwd: unpacked },
  ).toString();
  expect(said).toMatch(/^bin\/ping cap_net_raw=ep\ny\n2\n/);
  expect(said).toContain('caf\\351');
  expect(said).toContain('-odd');
});

test('the sidecar says what is in the layer', async () => {
  const tree = join(here.home, 'tree');
  for (const folder of ['etc/profile.d', 'usr/lib64', 'var/lib/dpkg'])
    await mkdir(join(tree, folder), { recursive: true });
  await writeFile(join(tree, 'etc/profile.d/tool.sh'), 'export PATH=/opt/tool/bin:$PATH\n');
  await writeFile(join(tree, 'usr/lib64/ld-linux-x86-64.so.2'), '');
  await writeFile(join(tree, 'var/lib/dpkg/status'), 'Package: bash\nStatus: install ok installed\nVersion: 5.2\n');
  const result = await here.buildTree(tree, '000-base-tree');
  const image = await stat(imageOf(here, result));
  const sidecar = {
    format: 1,
    name: '000-base-tree',
    sha256: result.sidecar.sha256,
    size: image.size,
    arch: 'x86_64',
    libc: 'glibc',
    recipe: 'from-dir',
    packages: { bash: '5.2' },
    env: { PATH: '/opt/tool/bin' },
  };
  expect(JSON.parse(await readFile(join(here.site.dataDir, 'modules/000-base-tree.json'), 'utf8'))).toEqual(sidecar);
  // root:squash 0440: nobody can change it, and the host's users cannot read it.
  expect({ uid: image.uid, mode: image.mode & 0o7777 }).toEqual({ uid: 0, mode: 0o440 });
});

test('a name is taken once; the same bytes again are no error, others need replace', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  await writeFile(join(tree, 'file'), 'one');
  expect((await here.buildTree(tree, '300-x')).state).toBe('built');
  expect((await here.buildTree(tree, '300-x')).state).toBe('unchanged');
  await writeFile(join(tree, 'file'), 'two');
  await expect(here.buildTree(tree, '300-x')).rejects.toMatchObject({ code: 'LAYER_EXISTS' });
  expect((await here.buildTree(tree, '300-x', { replace: true })).state).toBe('built');
  expect((await here.buildTree(tree, '300-x')).state).toBe('unchanged');
  expect(await here.leftovers()).toEqual([]);
});

test('owners that no sandbox has are refused, unless every file is to be root’s', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  shell('printf x >mine; chown 200000:200001 mine', { cwd: tree });
  await expect(here.buildTree(tree, '300-x')).rejects.toThrow(
    'Cannot build layer "300-x": "mine" belongs to 200000:200001, and a sandbox has the ids 0 to 65535',
  );
  expect(await here.leftovers()).toEqual([]);
  const result = await here.buildTree(tree, '300-x', { rootOwned: true });
  expect(listImage(imageOf(here, result))).toMatch(/ 0\/0 .* squashfs-root\/mine$/m);
});

test('a file system that is mounted below the folder stays out', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(join(tree, 'below'), { recursive: true });
  const mounted = `mount -t tmpfs -o mode=755 none below; printf x >below/file; printf x >beside`;
  shell(mounted, { cwd: tree });
  try {
    const lines = listImage(imageOf(here, await here.buildTree(tree, '300-x')));
    expect(lines).toMatch(/squashfs-root\/below$/m);
    expect(lines).toMatch(/squashfs-root\/beside$/m);
    expect(lines).not.toContain('below/file');
  } finally {
    shell('umount below', { cwd: tree });
  }
});

test('times that squashfs cannot hold are no obstacle', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  shell('touch -d 1950-01-01 old; touch -d 2300-01-01 future', { cwd: tree });
  const lines = listImage(imageOf(here, await here.buildTree(tree, '300-x')));
  expect(lines.match(/1980-01-01 00:00/g)).toHaveLength(3);
});

test('a folder deeper than PATH_MAX is packed whole', async () => {
  const tree = join(here.home, 'tree');
  await mkdir(tree);
  shell('for i in $(seq 30); do n=$(printf "%0200d" $i); mkdir $n; cd $n; done; printf x >leaf', { cwd: tree });
  const superblock = await readFile(imageOf(here, await here.buildTree(tree, '300-x')));
  // The root, thirty folders and the leaf.
  expect(superblock.readUInt32LE(4)).toBe(32);
  shell('rm -r tree', { cwd: here.home });
});
