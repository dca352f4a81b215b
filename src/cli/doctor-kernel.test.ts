import { expect, test } from 'vitest';
import { kernelChecks } from './doctor-kernel.ts';

test('kernelChecks() tells a loss that one can live with from one that one cannot', () => {
  const checks = kernelChecks(
    '{"idmapped-squashfs": false, "swap-accounting": false, "overlay-userxattr": true, "version": 1}',
  );
  expect(checks.map(({ name, state }) => [name, state])).toEqual([
    ['idmapped-squashfs', 'fault'],
    ['swap-accounting', 'lack'],
    ['overlay-userxattr', 'ok'],
  ]);
});
