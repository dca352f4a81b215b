import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiContract } from '../../contracts/api-contract.ts';
import { Installation } from '../../support/installation.ts';

const LAYERS = ['000-base-test', '100-top'] as const;

apiContract('squashd over squash-broker', async ({ authToken, hosts, maxSandboxes }) => {
  const installation = await Installation.start({
    layers: {
      [LAYERS[1]]: (folder) => {
        mkdirSync(join(folder, 'opt'));
        writeFileSync(join(folder, 'opt/top'), 'top\n');
      },
    },
    env: {
      SQUASH_DEFAULT_LAYERS: '',
      ...(authToken !== undefined && { SQUASH_AUTH_TOKEN: authToken }),
      ...(hosts !== undefined && { SQUASH_HOSTS: hosts.join(',') }),
      ...(maxSandboxes !== undefined && { SQUASH_MAX_SANDBOXES: String(maxSandboxes) }),
    },
  });
  return { url: installation.url, layers: LAYERS, [Symbol.asyncDispose]: () => installation[Symbol.asyncDispose]() };
});
