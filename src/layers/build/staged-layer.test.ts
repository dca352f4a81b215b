import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAbandoned, StagedLayer } from './staged-layer.ts';

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'staged-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('StagedLayer removes what dead builders left, and nothing of the living or of others', async () => {
  await using staging = await folder();
  await using living = await StagedLayer.in(staging.path);
  await writeFile(living.imagePath, 'x');
  const dead = [
    'build-4194305-1-0123abcd.squashfs',
    'build-4194305-1-0123abcd.json',
    `build-${process.pid}-1-0123abcd.json`,
  ];
  for (const name of [...dead, 'snapshot-1.squashfs']) await writeFile(join(staging.path, name), 'x');
  await using _next = await StagedLayer.in(staging.path);
  expect((await readdir(staging.path)).toSorted()).toEqual(
    [`${living.stem}.squashfs`, 'snapshot-1.squashfs'].toSorted(),
  );
  expect(await isAbandoned(living.stem)).toBe(false);
  expect(await isAbandoned('build-4194305-1-0123abcd')).toBe(true);
});

test('StagedLayer is gone when it is disposed', async () => {
  await using staging = await folder();
  {
    await using staged = await StagedLayer.in(staging.path);
    expect(staged.stem).toMatch(/^[a-z0-9-]{1,64}$/);
    await writeFile(staged.imagePath, 'bytes');
    await staged.describe('{}');
    const { sizeBytes, digest } = await staged.measure();
    expect(sizeBytes).toBe(5);
    expect(digest).toBe('277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9');
  }
  expect(await readdir(staging.path)).toEqual([]);
});

test('StagedLayer follows no link that was put in the place of its image or its sidecar', async () => {
  await using staging = await folder();
  await using staged = await StagedLayer.in(staging.path);
  await symlink('/etc/hostname', staged.imagePath);
  await expect(staged.measure()).rejects.toMatchObject({ code: 'ELOOP' });
  await symlink('/nonexistent/x', join(staging.path, `${staged.stem}.json`));
  await expect(staged.describe('{}')).rejects.toMatchObject({ code: 'EEXIST' });
});
