// The API on port 8080 over two layers of the quick start's names, with the one command that it runs. Says `ready` on stdout.
import { parseLayerName } from '../../src/domain/ids.ts';
import { startFakeApi } from './fake-api.ts';

const layers = ['000-base-alpine', '100-python312'].map(parseLayerName);
const api = await startFakeApi({}, { layers, port: 8080 });
api.sandboxes.onExec = async ({ cmd }) =>
  cmd === 'python3 -c "print(42)"' ? { stdout: '42\n' } : { exit_code: 127, stderr: `sh: ${cmd}: not found\n` };
process.once('SIGTERM', () => void api.app.close());
console.log('ready');
