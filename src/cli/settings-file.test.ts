import { expect, test } from 'vitest';
import { parseEnvironmentFile } from './settings-file.ts';

test('parseEnvironmentFile() reads what systemd would, and only settings', () => {
  const text = `# chosen by setup
SQUASH_UID_BASE=1073741824
SQUASH_AUTH_TOKEN="abc=def"
AWS_REGION='eu-central-1'
LD_PRELOAD=/tmp/x.so
SQUASH_lower=1
SQUASH_EMPTY=
`;
  expect(parseEnvironmentFile(text)).toEqual({
    SQUASH_UID_BASE: '1073741824',
    SQUASH_AUTH_TOKEN: 'abc=def',
    AWS_REGION: 'eu-central-1',
    SQUASH_EMPTY: '',
  });
});
