import { apiContract } from '../../test/contracts/api-contract.ts';
import { MEMORY_LAYERS, startMemoryApi } from '../../test/support/memory-api.ts';

apiContract('createServer() over sandboxes in memory', async (options) => {
  const api = await startMemoryApi({ ...options, hosts: [...(options.hosts ?? [])] });
  return { url: api.url, layers: MEMORY_LAYERS, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
});
