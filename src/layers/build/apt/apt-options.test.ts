import { expect, test } from 'vitest';
import { networkOptions, withValue } from './apt-options.ts';

const DUMP = `Acquire "";
Acquire::AllowInsecureRepositories "1";
Acquire::Languages:: "none";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CAInfo "/etc/ssl/private/ca.pem";
Acquire::https::private.example::SslKey "/etc/ssl/private/key.pem";
Acquire::https::Verify-Peer "true";
Acquire::Check-Valid-Until "false";
Acquire::IndexTargets::deb::DEP-11::MetaKey "x";
`;

test('networkOptions() keeps how archives are reached, and knows which values are files', () => {
  expect(networkOptions(DUMP)).toEqual([
    { line: 'Acquire::http::Proxy "http://proxy.example:3128";', path: undefined },
    { line: 'Acquire::https::CAInfo "/etc/ssl/private/ca.pem";', path: '/etc/ssl/private/ca.pem' },
    { line: 'Acquire::https::private.example::SslKey "/etc/ssl/private/key.pem";', path: '/etc/ssl/private/key.pem' },
    { line: 'Acquire::https::Verify-Peer "true";', path: undefined },
    { line: 'Acquire::Check-Valid-Until "false";', path: undefined },
  ]);
});

test('withValue() puts another value into an option, as it is', () => {
  const [, option] = networkOptions(DUMP);
  expect(option && withValue(option, '/tmp/$1 copy')).toBe('Acquire::https::CAInfo "/tmp/$1 copy";');
});
