import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SandboxError } from '../domain/errors.ts';
import { apiUrl, listenAddress, readSettings } from './settings.ts';
import { settingsPage } from './settings-page.ts';
import { SETTINGS } from './settings-table.ts';

test('readSettings() gives the defaults of the contract', () => {
  expect(readSettings({})).toEqual({
    settings: {
      dataDir: '/data',
      port: 8080,
      listen: '',
      backend: 'chroot',
      authToken: '',
      api: '',
      hosts: [],
      maxSandboxes: 100,
      defaultLayers: ['000-base-alpine'],
      upper: 'disk',
      upperLimitMiB: 512,
      upperSparse: false,
      readyUppers: 8,
      diskReserveMiB: 1024,
      logMax: 1000,
      captureTimeoutSeconds: 600,
      pool: undefined,
      uidBase: undefined,
    },
    unknown: [],
  });
});

test('readSettings() reads every setting', () => {
  const { settings } = readSettings({
    SQUASH_DATA: '/srv/squash/',
    SQUASH_PORT: '0',
    SQUASH_LISTEN: '[::1]',
    SQUASH_BACKEND: 'memory',
    SQUASH_AUTH_TOKEN: 'a.b-c_d~e+f/g==',
    SQUASH_API: 'http://box:9/',
    SQUASH_HOSTS: 'Box.example, [fd00::1]',
    SQUASH_MAX_SANDBOXES: '500',
    SQUASH_DEFAULT_LAYERS: '000-base-debian, 100-nodejs24',
    SQUASH_UPPER: 'tmpfs',
    SQUASH_UPPER_LIMIT_MB: '64',
    SQUASH_UPPER_SPARSE: '1',
    SQUASH_READY_UPPERS: '0',
    SQUASH_DISK_RESERVE_MB: '0',
    SQUASH_LOG_MAX: '5',
    SQUASH_CAPTURE_TIMEOUT_S: '60',
    SQUASH_POOL: '/pool.img',
    SQUASH_UID_BASE: '655360',
  });
  expect(settings).toEqual({
    dataDir: '/srv/squash',
    port: 0,
    listen: '::1',
    backend: 'memory',
    authToken: 'a.b-c_d~e+f/g==',
    api: 'http://box:9',
    hosts: ['box.example', 'fd00::1'],
    maxSandboxes: 500,
    defaultLayers: ['000-base-debian', '100-nodejs24'],
    upper: 'tmpfs',
    upperLimitMiB: 64,
    upperSparse: true,
    readyUppers: 0,
    diskReserveMiB: 0,
    logMax: 5,
    captureTimeoutSeconds: 60,
    pool: '/pool.img',
    uidBase: 655_360,
  });
});

test.each([
  ['SQUASH_DATA', 'data', 'must be an absolute path'],
  ['SQUASH_DATA', '/a\0b', 'must be an absolute path'],
  ['SQUASH_PORT', '65536', 'must be a whole number from 0 to 65535'],
  ['SQUASH_PORT', '8080x', 'must be a whole number'],
  ['SQUASH_PORT', '-1', 'must be a whole number'],
  ['SQUASH_PORT', '1e3', 'must be a whole number'],
  ['SQUASH_LISTEN', 'example.org', 'must be an IP address or "localhost"'],
  ['SQUASH_BACKEND', 'docker', 'must be "chroot" or "memory"'],
  ['SQUASH_BACKEND', 'firecracker', 'is not part of this version'],
  ['SQUASH_API', 'localhost:8080', 'must be an http:// or https:// URL'],
  ['SQUASH_HOSTS', 'http://a', 'which is no host name'],
  ['SQUASH_MAX_SANDBOXES', '0', 'must be a whole number from 1'],
  ['SQUASH_DEFAULT_LAYERS', 'alpine', 'invalid layer name "alpine"'],
  ['SQUASH_DEFAULT_LAYERS', ',', 'must name at least one layer'],
  ['SQUASH_DEFAULT_LAYERS', '000-a,000-a', 'names a layer twice'],
  ['SQUASH_UPPER', 'xfs', 'must be "disk" or "btrfs" or "tmpfs"'],
  ['SQUASH_UPPER_LIMIT_MB', '15', 'must be a whole number from 16'],
  ['SQUASH_UPPER_SPARSE', 'yes', 'must be "1", "0" or empty'],
  ['SQUASH_UID_BASE', '100000', 'must be a multiple of 65536'],
  ['SQUASH_UID_BASE', '4294967296', 'must be a multiple of 65536'],
])('readSettings() refuses %s=%s', (name, value, problem) => {
  expect(() => readSettings({ [name]: value })).toThrow(
    expect.objectContaining({ code: 'SETTINGS_INVALID', message: expect.stringContaining(problem) }),
  );
});

test('readSettings() lists every problem in one message', () => {
  expect(() => readSettings({ SQUASH_PORT: 'x', SQUASH_UPPER: 'xfs', SQUASH_LOG_MAX: '0' })).toThrow(
    'Cannot read the settings: SQUASH_PORT "x" must be a whole number from 0 to 65535 (TCP port, 0 = any free one); ' +
      'SQUASH_UPPER "xfs" must be "disk" or "btrfs" or "tmpfs"; ' +
      'SQUASH_LOG_MAX "0" must be a whole number from 1 to 1000000 (results per sandbox)',
  );
});

test('readSettings() does not print a malformed token', () => {
  expect(() => readSettings({ SQUASH_AUTH_TOKEN: 'pass word' })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('pass word') }),
  );
});

test('readSettings() takes the alias, and refuses two different answers', () => {
  expect(readSettings({ SQUASH_DATA_DIR: '/srv' }).settings.dataDir).toBe('/srv');
  expect(readSettings({ SQUASH_DATA: '/srv', SQUASH_DATA_DIR: '/srv' }).settings.dataDir).toBe('/srv');
  expect(() => readSettings({ SQUASH_DATA: '/a', SQUASH_DATA_DIR: '/b' })).toThrow('is not what SQUASH_DATA_DIR says');
});

test('readSettings() takes an empty variable for one that is not set', () => {
  expect(readSettings({ SQUASH_PORT: '', SQUASH_DEFAULT_LAYERS: '' }).settings).toEqual(readSettings({}).settings);
});

test('readSettings() names variables of ours that nothing reads', () => {
  const env = { SQUASH_MAX_SANDBOX: '1', SQUASH_BROKER_FD: '3', PATH: '/bin' };
  expect(readSettings(env).unknown).toEqual(['SQUASH_MAX_SANDBOX']);
});

test('readSettings() answers any environment with settings or SETTINGS_INVALID', () => {
  const names = Object.values(SETTINGS).map((setting) => setting.name);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' })), (env) => {
      try {
        expect(readSettings(env).unknown).toEqual([]);
      } catch (error) {
        if (!(error instanceof SandboxError)) throw error;
        expect(error.code).toBe('SETTINGS_INVALID');
      }
    }),
  );
});

test('listenAddress() is loopback only without a token, unless someone says otherwise', () => {
  expect(listenAddress({ listen: '', authToken: '' })).toBe('127.0.0.1');
  expect(listenAddress({ listen: '', authToken: 'x' })).toBe('0.0.0.0');
  expect(listenAddress({ listen: '::1', authToken: 'x' })).toBe('::1');
});

test('apiUrl() is the daemon of this machine unless another is named', () => {
  expect(apiUrl({ api: '', port: 9 })).toBe('http://localhost:9');
  expect(apiUrl({ api: 'https://box', port: 9 })).toBe('https://box');
});

test('docs/settings.md says what the table says', async () => {
  await expect(settingsPage()).toMatchFileSnapshot('../../docs/settings.md');
});

test('readSettings() wants a pool for uppers on btrfs', () => {
  expect(() => readSettings({ SQUASH_UPPER: 'btrfs' })).toThrow('SQUASH_POOL is empty');
  expect(readSettings({ SQUASH_UPPER: 'btrfs', SQUASH_POOL: '/pool/' }).settings).toMatchObject({ pool: '/pool' });
});
