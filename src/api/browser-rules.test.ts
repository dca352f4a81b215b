import { expect, test } from 'vitest';
import { createHostCheck, refuseCrossSite } from './browser-rules.ts';

test.each([
  ['localhost', true],
  ['localhost:1', true],
  ['127.255.255.254', true],
  ['[::1]:8080', true],
  ['box.example', true],
  ['BOX.example:123', true],
  ['pinned.example:8443', true],
  ['pinned.example', false],
  ['pinned.example:8444', false],
  [undefined, false],
  ['', false],
  ['localhost.', false],
  ['localhost:', false],
  ['localhost:8080:8080', false],
  ['localhost@evil.example', false],
  ['127.0.0.1.', false],
  ['127.0.1', false],
  ['2130706433', false],
  ['0.0.0.0', false],
  ['::1', false],
  ['[::ffff:127.0.0.1]', false],
  ['box.example.evil.example', false],
  ['evil.example\nlocalhost', false],
])('Host %j is accepted without a token: %s', (host, isAccepted) => {
  const check = createHostCheck(['Box.example', 'pinned.example:8443']);
  if (isAccepted) expect(check(host)).toBeUndefined();
  else expect(() => check(host)).toThrow(/^host refused/);
});

test.each([
  [{}, true],
  [{ host: 'a:1', origin: 'http://a:1' }, true],
  [{ host: 'a', origin: 'https://a' }, true],
  [{ host: 'a:80', origin: 'http://a' }, true],
  [{ host: 'a', origin: 'https://a:443' }, true],
  [{ host: 'A.b', origin: 'http://a.B' }, true],
  [{ host: '[::1]:8', origin: 'http://[::1]:8' }, true],
  [{ host: 'a', 'sec-fetch-site': 'none' }, true],
  [{ host: 'a', 'sec-fetch-site': 'same-site' }, true],
  [{ host: 'a:1', origin: 'http://a:2' }, false],
  [{ host: 'a', origin: 'http://b' }, false],
  [{ host: 'a', origin: 'http://a.b' }, false],
  [{ host: 'a', origin: 'null' }, false],
  [{ host: 'a', origin: '' }, false],
  [{ host: 'a', origin: 'a' }, false],
  [{ host: 'a', origin: 'file://' }, false],
  [{ host: '', origin: 'http://' }, false],
  [{ origin: 'http://a' }, false],
  [{ host: 'a', origin: 'http://a@b' }, false],
  [{ host: 'a', 'sec-fetch-site': 'cross-site' }, false],
])('a request with %j is let in: %s', (headers, isLetIn) => {
  if (isLetIn) expect(refuseCrossSite(headers)).toBeUndefined();
  else expect(() => refuseCrossSite(headers)).toThrow(/refused$/);
});
