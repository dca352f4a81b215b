import { expect, test } from 'vitest';
import { parseDpkgStatus } from './dpkg-status.ts';

const STATUS = `Package: zlib1g
Status: install ok installed
Version: 1:1.2.13.dfsg-1
Description: compression
 Package: not-a-field
 Version: 9

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: bash
Status: install ok installed
Version: 5.2.15-2+b8
`;

test('parseDpkgStatus() lists what is installed, by name', () => {
  const packages = parseDpkgStatus(STATUS);
  expect(packages).toEqual({ bash: '5.2.15-2+b8', zlib1g: '1:1.2.13.dfsg-1' });
  expect(Object.keys(packages)).toEqual(['bash', 'zlib1g']);
});
