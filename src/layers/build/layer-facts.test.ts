import { expect, test } from 'vitest';
import { LayerFacts } from './layer-facts.ts';
import type { TarEntry } from './tar-header.ts';

const entry = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
  path,
  type: 'file',
  uid: 0,
  gid: 0,
  sizeBytes: 10,
  linkName: '',
  ...more,
});

test.each([
  ['usr/lib64/ld-linux-x86-64.so.2', 'glibc', 'x86_64'],
  ['lib64/ld-linux-x86-64.so.2', 'glibc', 'x86_64'],
  ['lib/ld-linux-aarch64.so.1', 'glibc', 'aarch64'],
  ['lib/ld-musl-x86_64.so.1', 'musl', 'x86_64'],
  ['usr/lib/ld-musl-aarch64.so.1', 'musl', 'aarch64'],
  ['opt/lib/ld-musl-x86_64.so.1', 'none', 'any'],
])('LayerFacts tells libc and processor by the loader %s', (path, libc, arch) => {
  const facts = new LayerFacts();
  facts.entry(entry(path));
  expect({ libc: facts.libc, arch: facts.arch }).toEqual({ libc, arch });
});

test('LayerFacts collects PATH from profile.d in the order of the names', () => {
  const facts = new LayerFacts();
  for (const [name, script] of [
    ['b.sh', 'export PATH=/opt/b/bin:$PATH'],
    ['a.sh', 'PATH="/opt/a/bin:$PATH"'],
    ['c.sh', 'PATH=$PATH:/opt/b/bin'],
  ] as const) {
    const each = entry(`etc/profile.d/${name}`);
    expect(facts.entry(each)).toBeGreaterThan(0);
    facts.content(each, Buffer.from(script));
  }
  expect(facts.env).toEqual({ PATH: '/opt/a/bin:/opt/b/bin' });
});

test('LayerFacts wants no content that it does not need, and has no env without PATH', () => {
  const facts = new LayerFacts();
  expect(facts.entry(entry('etc/shadow'))).toBe(0);
  expect(facts.entry(entry('etc/profile.d/x.sh', { type: 'symlink' }))).toBe(0);
  expect(facts.entry(entry('etc/profile.d/sub/x.sh'))).toBe(0);
  expect(facts.env).toEqual({});
});

test('LayerFacts names the first entry of an owner that no sandbox has', () => {
  const facts = new LayerFacts();
  facts.entry(entry('fine', { uid: 65_535, gid: 65_535 }));
  expect(facts.foreign).toBeUndefined();
  facts.entry(entry('group', { gid: 65_536 }));
  facts.entry(entry('later', { uid: 200_000 }));
  expect(facts.foreign?.path).toBe('group');
});
