import { expect, test } from 'vitest';
import { formatDeb822, parseDeb822, parseOneLine } from './apt-source.ts';

test('parseOneLine() reads entries with options and without, and no comments', () => {
  const text = `# deb http://no.example/debian bookworm main
deb http://deb.debian.org/debian bookworm main contrib # the mirror
deb [arch=amd64,arm64 signed-by=/etc/apt/keyrings/x.gpg] https://x.example/debian bookworm-security main
deb-src http://deb.debian.org/debian bookworm main
`;
  expect(parseOneLine(text).map((source) => Object.fromEntries(source))).toEqual([
    { Types: 'deb', URIs: 'http://deb.debian.org/debian', Suites: 'bookworm', Components: 'main contrib' },
    {
      Types: 'deb',
      URIs: 'https://x.example/debian',
      Suites: 'bookworm-security',
      Components: 'main',
      Architectures: 'amd64 arm64',
      'Signed-By': '/etc/apt/keyrings/x.gpg',
    },
    { Types: 'deb-src', URIs: 'http://deb.debian.org/debian', Suites: 'bookworm', Components: 'main' },
  ]);
});

test('parseDeb822() reads paragraphs, whatever the case of the names, with keys over several lines', () => {
  const text = `types: deb
# a comment
uris: http://deb.debian.org/debian
Suites: bookworm
Components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Types: deb
URIs: http://two.example/
`;
  const sources = parseDeb822(text);
  expect(sources).toHaveLength(2);
  expect(sources[0]?.get('Signed-By')).toBe('\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF');
  expect(parseDeb822(formatDeb822(sources))).toEqual(sources);
});
