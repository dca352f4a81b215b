import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publishFixture } from '../../support/fixture-layers.ts';
import { INSTALLED } from '../../support/installed.ts';
import { run } from '../../support/run.ts';

test('verify finds one flipped byte, and names the layer', () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'verify-'));
  chmodSync(dataFolder, 0o711);
  try {
    publishFixture(dataFolder, '100-good', (tree) => writeFileSync(join(tree, 'file'), 'good'));
    const digest = publishFixture(dataFolder, '200-bad', (tree) => writeFileSync(join(tree, 'file'), 'bad'));
    const verify = () =>
      run([`${INSTALLED}/node`, `${INSTALLED}/squash.mjs`, 'verify', '--json'], {
        env: { ...process.env, SQUASH_DATA: dataFolder },
      });
    expect(verify()).toMatchObject({ status: 0 });

    const image = `${dataFolder}/modules/sha256/${digest}.squashfs`;
    run(['sh', '-c', `printf X | dd of=${image} bs=1 seek=100 conv=notrunc`]);
    const { status, stdout } = verify();
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: '100-good', ok: true },
      { name: '200-bad', digest, ok: false },
    ]);
  } finally {
    rmSync(dataFolder, { recursive: true, force: true });
  }
});
