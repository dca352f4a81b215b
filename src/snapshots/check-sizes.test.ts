import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { snapshotOf } from '../../test/support/snapshot-of.ts';
import { checkSizes } from './check-sizes.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sizes-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('checkSizes() takes images that are as large as their records say', async () => {
  const chain = [snapshotOf('a', 's1'), snapshotOf('a', 's2')];
  for (const { digest, sizeBytes } of chain) await writeFile(join(dir, `${digest}.squashfs`), Buffer.alloc(sizeBytes));
  expect(await checkSizes(chain, dir)).toBeUndefined();
});

test('checkSizes() names the snapshot whose image is of another size, also below', async () => {
  const chain = [snapshotOf('a', 's1'), snapshotOf('a', 's2')];
  await writeFile(join(dir, `${chain[0]?.digest}.squashfs`), 'short');
  await expect(checkSizes(chain, dir)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: 'Cannot use snapshot "s1": its image has 5 bytes, and its record says 4096',
  });
});

test('checkSizes() leaves an image that is not there to who mounts it', async () => {
  expect(await checkSizes([snapshotOf('a', 's1')], dir)).toBeUndefined();
});
