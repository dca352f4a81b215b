// Programs that people use, as root of a sandbox over a real Debian.
import { createReadStream, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { downloadPackages } from '../../support/debian-base.ts';
import { run } from '../../support/run.ts';
import { DebianSandbox, fillNode } from './debian-sandbox.ts';

let home: DebianSandbox;

beforeAll(async () => {
  const started = await DebianSandbox.start({
    '100-node': fillNode,
    '200-other': (folder) => writeFileSync(join(folder, 'of-another-layer'), 'content'),
  });
  if (started !== undefined) home = started;
}, 300_000);
afterAll(() => home?.[Symbol.asyncDispose]());
beforeEach((context) => context.skip(home === undefined, 'no package source'));

test('root is root, and its world is sane', async () => {
  expect(await home.says('id')).toBe('uid=0(root) gid=0(root) groups=0(root)');
  expect(await home.says('hostname; cat /etc/hostname; uname -n')).toBe('home\nhome\nhome');
  expect(await home.says('getent hosts home localhost')).toMatch(/^127\.0\.1\.1 +home\n.*localhost/);
  expect(await home.says('cat /etc/resolv.conf')).toMatch(/^nameserver 127\.0\.0\.1$/m);
  expect(await home.says('. /etc/os-release; echo $ID')).toBe('debian');
});

test('/proc shows the processes of the sandbox and no other', async () => {
  const listed = (await home.says('ps -e -o comm=')).split('\n');
  expect(listed).toContain('ps');
  expect([...new Set(listed)].toSorted().join()).toBe('ps,sh,squash-agent,squash-superv');
});

test('a mount is refused', async () => {
  expect(await home.exec('mount -t tmpfs none /mnt')).toMatchObject({
    exit_code: 32,
    stderr: expect.stringContaining('permission denied'),
  });
});

test('every file is on one device, and keeps its inode number when it is first written', async () => {
  const paths = '/ /etc/debian_version /usr/local/bin/node /of-another-layer /written';
  const devices = await home.says(`echo x > /written; stat -c %d ${paths}`);
  expect(new Set(devices.split('\n')).size).toBe(1);
  expect(devices.split('\n')).toHaveLength(5);
  const [before, after, content] = (
    await home.says('f=/of-another-layer; stat -c %i $f; echo more >> $f; stat -c %i $f; cat $f')
  ).split('\n');
  expect(after).toBe(before);
  expect(content).toBe('contentmore');
});

test('a user that useradd makes reaches root through su and through sudo', async () => {
  await home.says('useradd --create-home --shell /bin/bash dana && echo dana:secret | chpasswd');
  await home.says('echo "dana ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/dana');
  expect(await home.says('su dana -c "id -un; echo \\$HOME"')).toBe('dana\n/home/dana');
  // says() refuses output on stderr: sudo complains there when it cannot resolve the host name.
  expect(await home.says('su - dana -c "sudo id -u"')).toBe('0');
  const asDana = 'setpriv --reuid=dana --regid=dana --init-groups';
  // su asks for the password on stdin when there is no terminal.
  const su = await home.exec(`echo secret | ${asDana} su -c "id -u" root`);
  expect(su.exit_code).not.toBe(0);
  await home.says('echo root:toor | chpasswd');
  expect(await home.exec(`echo toor | ${asDana} su -c "id -u" root`)).toMatchObject({ exit_code: 0, stdout: '0\n' });
});

test('git keeps history', async () => {
  await home.says('git config --global user.email a@b.c && git config --global user.name n');
  await home.says('git init -q -b main /root/repository && cd /root/repository && echo x > f && git add f');
  expect(await home.says('cd /root/repository && git commit -q -m first && git log --format=%s')).toBe('first');
});

test('node runs worker threads', async () => {
  const script = `
    const { Worker } = require("node:worker_threads");
    const work = () => new Promise((resolve, reject) => new Worker(
      "require(\\"node:worker_threads\\").parentPort.postMessage(6 * 7)", { eval: true }).on("message", resolve).on("error", reject));
    Promise.all([work(), work(), work(), work()]).then((all) => console.log(all.join(" ")));`;
  expect(await home.says(`node -e '${script}'`)).toBe('42 42 42 42');
});

test('a program on a terminal', async () => {
  let said = '';
  using shell = await home.client.spawn(
    'home',
    { argv: ['bash', '--norc'], pty: { rows: 30, columns: 100 }, stdin: true, env: { PS1: 'ready> ', TERM: 'xterm' } },
    {
      onOutput: (_stream, data) => {
        said += data.toString();
      },
    },
  );
  await shell.write(Buffer.from('tty; stty size; sleep 1000\n'));
  await expect.poll(() => said).toContain('30 100');
  // Ctrl-C ends the sleep and not the shell: job control works.
  await shell.write(Buffer.from('\x03echo alive=$((40 + 2)); exit 3\n'));
  expect(await shell.exited).toMatchObject({ exitCode: 3 });
  expect(said).toMatch(/\/dev\/pts\/\d/);
  expect(said).toContain('alive=42');
});

test('dpkg installs packages that bring users, set-uid files and file capabilities', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  // Users and a set-uid file of a group: dbus; capabilities: ping; a set-gid file: cron.
  const packages = ['iputils-ping', 'libcap2-bin', 'libcap2', 'libidn2-0', 'cron', 'cron-daemon-common'];
  const more = [
    'sensible-utils',
    'dbus',
    'dbus-bin',
    'dbus-daemon',
    'dbus-session-bus-common',
    'dbus-system-bus-common',
  ];
  const libraries = ['libdbus-1-3', 'libexpat1', 'libapparmor1'];
  context.skip(!downloadPackages([...packages, ...more, ...libraries], folder), 'no package source');
  expect(readdirSync(folder).length).toBeGreaterThanOrEqual(10);
  const tar = join(folder, 'all.tar');
  run(['sh', '-c', 'tar -cf all.tar *.deb'], { cwd: folder });
  await home.client.writeTar('home', '/root/packages', createReadStream(tar));

  // Others need it set up before they can be unpacked.
  for (const files of ['cron-daemon-common_*.deb', '*.deb']) {
    const installed = await home.exec(`cd /root/packages && dpkg -i ${files}`);
    expect(installed.exit_code, installed.stdout + installed.stderr).toBe(0);
  }
  expect(await home.says('dpkg --audit')).toBe('');
  // No init runs here: a package that wants its service started must be told no (invoke-rc.d(8)).
  expect(await home.exec('/usr/sbin/policy-rc.d')).toMatchObject({ exit_code: 101 });
  expect(await home.says('getent passwd messagebus | cut -d: -f1; getent group crontab | cut -d: -f1')).toBe(
    'messagebus\ncrontab',
  );
  const stat = 'stat -c "%a %U %G" /usr/lib/dbus-1.0/dbus-daemon-launch-helper /usr/bin/crontab';
  expect(await home.says(stat)).toBe('4754 root messagebus\n2755 root crontab');
  expect(await home.says('getcap /bin/ping /usr/bin/ping | tail -1')).toMatch(/ping cap_net_raw=ep$/);
  expect(await home.says('ping -c 1 -w 5 127.0.0.1')).toContain('1 received');
  expect(await home.says('su dana -c "ping -c 1 -w 5 127.0.0.1"')).toContain('1 received');
});
