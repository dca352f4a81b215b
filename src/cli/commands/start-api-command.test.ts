import { expect, test } from 'vitest';
import { brokerLine } from './start-api-command.ts';

const find = (name: string) => `/opt/squash/${name}`;

test('brokerLine() starts what script/squashd starts', () => {
  const line = brokerLine(find, { uidBase: 1_073_741_824, readyUppers: 8, dataDir: '/srv/squash' });
  expect(line.join(' ')).toBe(
    '/opt/squash/squash-broker serve --data /srv/squash --user squash --group squash --uid-base 1073741824 --ready 8 ' +
      `--agent /opt/squash/squash-agent -- ${process.execPath} /opt/squash/squashd.mjs`,
  );
});

test('brokerLine() wants the ids that setup chose', () => {
  expect(() => brokerLine(find, { uidBase: undefined, readyUppers: 8, dataDir: '/data' })).toThrow(
    'Cannot start the daemon: SQUASH_UID_BASE is not set',
  );
});
