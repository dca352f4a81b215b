import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PrivateServer, QUICK_START_CREATE, QUICK_START_EXEC } from '../../support/quick-start.ts';

test('the two curl lines of the quick start work as they are printed', async () => {
  const program = fileURLToPath(new URL('../../support/quick-start-server.ts', import.meta.url));
  await using server = await PrivateServer.start([process.execPath, program]);
  expect(JSON.parse(await server.paste(QUICK_START_CREATE))).toMatchObject({
    id: 'dev',
    layers: ['000-base-alpine', '100-python312'],
    state: 'running',
  });
  const result = await server.paste(QUICK_START_EXEC);
  expect(JSON.parse(result)).toMatchObject({ seq: 1, exit_code: 0, stdout: '42\n', stderr: '' });
  expect(result.endsWith('}\n')).toBe(true);
});
