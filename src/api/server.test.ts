import { apiContract } from '../../test/contracts/api-contract.ts';
import { FAKE_LAYERS, startFakeApi } from '../../test/support/fake-api.ts';

apiContract('createServer() over fakes', async ({ authToken = '', hosts = [], maxSandboxes = 100 }) => {
  const api = await startFakeApi({ authToken, hosts: [...hosts] });
  api.sandboxes.limit = maxSandboxes;
  const [base = '', ...others] = FAKE_LAYERS;
  return { url: api.url, layers: [base, ...others], [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
});
