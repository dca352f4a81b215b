// The API on port 8080 over two layers of the quick start's names. Memory has no python3: what its line must arrive as is answered here.
// Says `ready` on stdout.
import { execResult, startMemoryApi } from './memory-api.ts';

const api = await startMemoryApi({ layers: ['000-base-alpine', '100-python312'], port: 8080 });
api.sandboxes.exec = async (_id, { cmd }) =>
  cmd === 'python3 -c "print(42)"' ? execResult({ stdout: '42\n' }) : execResult({ exit_code: 127 });
process.once('SIGTERM', () => void api[Symbol.asyncDispose]());
console.log('ready');
