import { expect, test } from 'vitest';
import { parseDeb822, parseOneLine } from './apt-source.ts';
import { sourcesForSuite } from './debian-sources.ts';

const BOOKWORM = { id: 'debian', codename: 'bookworm' };
const HOST = parseDeb822(`Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://deb.nodesource.com/node_20.x
Suites: nodistro
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://download.docker.com/linux/debian
Suites: bookworm
Components: stable
`);

const summary = (sources: ReturnType<typeof sourcesForSuite>['sources']) =>
  sources.map((source) => `${source.get('Types')} ${source.get('URIs')} ${source.get('Suites')}`);

test("sourcesForSuite() takes the host's Debian archives and nothing else of it", () => {
  const { sources, logins } = sourcesForSuite('bookworm', { host: HOST, distribution: BOOKWORM });
  expect(summary(sources)).toEqual([
    'deb http://mirror.example/debian bookworm bookworm-updates',
    'deb http://mirror.example/debian-security bookworm-security',
  ]);
  expect(logins).toEqual([]);
});

test('sourcesForSuite() asks the same archives for another suite', () => {
  const { sources } = sourcesForSuite('trixie', { host: HOST, distribution: BOOKWORM });
  expect(summary(sources)).toEqual([
    'deb http://mirror.example/debian trixie trixie-updates',
    'deb http://mirror.example/debian-security trixie-security',
  ]);
});

test("sourcesForSuite() gives a host that is no Debian Debian's own archive with its keyring", () => {
  const host = parseOneLine('deb http://archive.ubuntu.com/ubuntu noble main universe');
  const { sources } = sourcesForSuite('bookworm', { host, distribution: { id: 'ubuntu', codename: 'noble' } });
  expect(summary(sources)).toEqual([
    'deb http://deb.debian.org/debian bookworm bookworm-updates',
    'deb http://deb.debian.org/debian-security bookworm-security',
  ]);
  expect(sources[0]?.get('Signed-By')).toBe('/usr/share/keyrings/debian-archive-keyring.gpg');
});

test('sourcesForSuite() keeps passwords out of what goes into the layer', () => {
  const host = parseOneLine('deb https://dana:s%40fe@private.example:8443/debian bookworm main');
  const { sources, logins } = sourcesForSuite('bookworm', { host, distribution: BOOKWORM });
  expect(summary(sources)).toEqual(['deb https://private.example:8443/debian bookworm']);
  expect(logins).toEqual([{ machine: 'https://private.example:8443/debian', login: 'dana', password: 's@fe' }]);
});
