import type { RawCall } from '../support/raw-http.ts';

/** One wrong request and what it gets. A sandbox `dev` exists, and no other. */
export interface RefusedCase extends RawCall {
  readonly name: string;
  readonly status: number;
  readonly error: string | RegExp;
  readonly allow?: string;
}

const SANDBOXES = '/cgi-bin/api/sandboxes';
const EXEC = `${SANDBOXES}/dev/exec`;
const FILES = '/v1/sandboxes/dev/files';

const create = (name: string, body: unknown, error: string | RegExp, status = 400): RefusedCase => ({
  name: `create with ${name}`,
  method: 'POST',
  path: SANDBOXES,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  status,
  error,
});
const post = (action: string, name: string, body: unknown, error: string | RegExp, status = 400): RefusedCase => ({
  ...create(name, body, error, status),
  name: `${action} with ${name}`,
  path: `${SANDBOXES}/dev/${action}`,
});
const exec = (name: string, body: unknown, error: string | RegExp, status = 400): RefusedCase =>
  post('exec', name, body, error, status);
const missing = (method: string, path: string, error: string, body?: object): RefusedCase => ({
  name: `${method} ${path}`,
  method,
  path,
  status: 404,
  error,
  ...(body && { body: JSON.stringify(body) }),
});
const wrongMethod = (method: string, path: string, allow: string): RefusedCase => ({
  name: `${method} ${path}`,
  method,
  path,
  status: 405,
  error: `method not allowed: ${method}`,
  allow,
});
const browser = (name: string, headers: Readonly<Record<string, string>>, error: RegExp): RefusedCase => ({
  name,
  path: SANDBOXES,
  headers,
  status: 403,
  error,
});

const OK = { id: 'new' };
const INVALID_ID = 'invalid id: 1 to 64 of A-Z a-z 0-9 _ and -, with no - at either end';
const INVALID_CPU = 'invalid cpu: a number from 0.01 to 1024';
const INVALID_TIMEOUT = 'invalid timeout: a whole number from 1 to 3600';

/** Everything a client can get wrong without a token being at stake. */
export const REFUSED: readonly RefusedCase[] = [
  create('no id', {}, 'id required'),
  create('an empty body', '', 'id required'),
  create('an id of null', { id: null }, 'id required'),
  create('an empty id', { id: '' }, 'id required'),
  create('an id that is a path', { id: '../x' }, INVALID_ID),
  create('an id of 65 characters', { id: 'x'.repeat(65) }, INVALID_ID),
  create('an id with a dash at its end', { id: 'x-' }, INVALID_ID),
  create('an id that is a number', { id: 7 }, INVALID_ID),
  create('an id with a newline at its end', { id: 'x\n' }, INVALID_ID),
  create('an unknown field', { ...OK, image: 'x' }, 'unknown field: image'),
  create('a field that every object has', '{"id":"new","constructor":1}', 'unknown field: constructor'),
  create('a prototype', '{"id":"new","__proto__":{"owner":"x"}}', 'unknown field: __proto__'),
  create('an unknown layer', { ...OK, layers: '000-base-nowhere' }, 'not found: 000-base-nowhere', 404),
  create('a layer name that is a path', { ...OK, layers: ['000-../../x'] }, /^invalid layer name "000-..\/..\/x"/),
  create('an empty layer name', { ...OK, layers: '000-base-nowhere,' }, /^invalid layer name ""/),
  create('a layer twice', { ...OK, layers: '100-a,100-a' }, 'layer named twice: 100-a'),
  create('layers of another type', { ...OK, layers: 7 }, /^invalid layers: /),
  create('129 layers', { ...OK, layers: Array.from({ length: 129 }, (_, n) => `100-l${n}`) }, /^invalid layers: /),
  create('cpu 0', { ...OK, cpu: 0 }, INVALID_CPU),
  create('cpu that is a word', { ...OK, cpu: 'two' }, INVALID_CPU),
  create('cpu in hexadecimal', { ...OK, cpu: '0x2' }, INVALID_CPU),
  create('cpu that is an array', { ...OK, cpu: [2] }, INVALID_CPU),
  create('an endless cpu', '{"id":"new","cpu":1e999}', INVALID_CPU),
  create('half a MiB of memory', { ...OK, memory_mb: 64.5 }, /^invalid memory_mb: a whole number from 16 to /),
  create('a negative lifetime', { ...OK, max_lifetime_s: -1 }, /^invalid max_lifetime_s: a whole number from 0 to /),
  create('an egress rule', { ...OK, allow_net: ['pypi.org'] }, 'cannot enforce egress rule pypi.org'),
  create('allow_net of another type', { ...OK, allow_net: 'none' }, /^invalid allow_net: an array /),
  create('nesting that is a string', { ...OK, nesting: 'false' }, 'invalid nesting: true or false'),
  create('an owner that is a number', { ...OK, owner: 7 }, 'invalid owner: a string of at most 256 bytes'),
  create('a task that is too long', { ...OK, task: 'ä'.repeat(2049) }, 'invalid task: a string of at most 4096 bytes'),

  create('half a JSON text', '{"id":"new"', 'malformed JSON'),
  create('no JSON at all', 'id=new', 'malformed JSON'),
  create('an array', '[]', 'not a JSON object'),
  create('null', 'null', 'not a JSON object'),
  {
    ...create('bytes that are not UTF-8', '', 'malformed JSON: not UTF-8'),
    body: Buffer.from('{"id":"\xff"}', 'latin1'),
  },
  create('a body over 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, 'body too large: at most 1048576 bytes', 413),
  {
    ...create(
      'a body over 1 MiB in chunks',
      `"${'x'.repeat(1024 * 1024)}"`,
      'body too large: at most 1048576 bytes',
      413,
    ),
    chunked: true,
  },
  {
    ...create('a body over 1 MiB that waits to be asked for', 'x'.repeat(1024 * 1024 + 1), /^body too large/, 413),
    headers: { expect: '100-continue' },
  },

  exec('no cmd', {}, 'cmd required'),
  exec('an empty body', '', 'cmd required'),
  exec('an empty cmd', { cmd: '' }, 'cmd required'),
  exec('a cmd that is an array', { cmd: ['ls'] }, 'invalid cmd: a string of at most 65536 bytes without NUL'),
  exec(
    'a cmd over 64 KiB',
    { cmd: `:${'x'.repeat(65_536)}` },
    'invalid cmd: a string of at most 65536 bytes without NUL',
  ),
  exec('a NUL in the cmd', { cmd: 'true\0false' }, 'invalid cmd: a string of at most 65536 bytes without NUL'),
  exec(
    'a relative workdir',
    { cmd: 'true', workdir: 'tmp' },
    'invalid workdir: an absolute path of at most 4095 bytes',
  ),
  exec('a workdir that does not exist', { cmd: 'true', workdir: '/no/such' }, /workdir.*\/no\/such/),
  exec('timeout 0', { cmd: 'true', timeout: 0 }, INVALID_TIMEOUT),
  exec('timeout 3601', { cmd: 'true', timeout: '3601' }, INVALID_TIMEOUT),
  exec('timeout 1.5', { cmd: 'true', timeout: 1.5 }, INVALID_TIMEOUT),
  exec('an unknown field', { cmd: 'true', command: 'false' }, 'unknown field: command'),
  {
    ...exec('a sandbox that is not there', { cmd: 'true' }, 'not found: nobody', 404),
    path: `${SANDBOXES}/nobody/exec`,
  },

  missing('GET', `${SANDBOXES}/nobody`, 'not found: nobody'),
  missing('DELETE', `${SANDBOXES}/nobody`, 'not found: nobody'),
  missing('GET', `${SANDBOXES}/nobody/logs`, 'not found: nobody'),
  missing('GET', `${SANDBOXES}/${'x'.repeat(300)}`, `not found: ${'x'.repeat(300)}`),
  missing('GET', `${SANDBOXES}/%2e%2e`, 'not found: ..'),
  missing('GET', `${SANDBOXES}/..%2f..%2fetc`, 'not found: ../../etc'),
  missing('POST', `${SANDBOXES}/dev/fly`, 'not found: fly'),
  post('activate', 'no module', {}, 'module required'),
  post('activate', 'a module that is no layer name', { module: 'node' }, /^invalid layer name/),
  post('activate', 'an unknown field', { module: '100-x', now: true }, 'unknown field: now'),
  post('activate', 'a module that is not there', { module: '999-missing' }, 'module not found: 999-missing', 404),
  post('snapshot', 'a label that would leave its folder', { label: '../x' }, /^invalid label/),
  post('snapshot', 'a label of dots', { label: '..' }, /^invalid label/),
  post('snapshot', 'an unknown field', { name: 'x' }, 'unknown field: name'),
  post('restore', 'no label', {}, 'label required'),
  post('restore', 'an empty label', { label: '' }, 'label required'),
  post('restore', 'a label that is not there', { label: 'nothing' }, 'not found: nothing', 404),
  post('restore', 'a snapshot that is not there', { snapshot: 'nothing' }, 'not found: nothing', 404),
  missing('POST', `${SANDBOXES}/nobody/activate`, 'not found: nobody', { module: '100-x' }),
  missing('POST', `${SANDBOXES}/nobody/snapshot`, 'not found: nobody', {}),
  missing('POST', `${SANDBOXES}/nobody/restore`, 'not found: nobody', { label: 'x' }),
  missing('GET', '/v1/sandboxes/nobody/snapshots', 'not found: nobody'),
  missing('DELETE', '/v1/sandboxes/dev/snapshots/nothing', 'not found: nothing'),
  missing('DELETE', '/v1/sandboxes/dev/snapshots/%2e%2e', 'not found: ..'),
  wrongMethod('GET', `${SANDBOXES}/dev/snapshot`, 'POST'),
  wrongMethod('POST', '/v1/sandboxes/dev/snapshots', 'GET, HEAD'),
  missing('GET', '/nowhere', 'not found: /nowhere'),
  missing('GET', '/cgi-bin/common.sh', 'not found: /cgi-bin/common.sh'),
  missing('GET', '/package.json', 'not found: /package.json'),
  missing('GET', '/static/index.html', 'not found: /static/index.html'),
  missing('GET', '/static/../package.json', 'not found: /static/../package.json'),
  missing('GET', '/static/%2e%2e/%2e%2e/etc/passwd', 'not found: /static/%2e%2e/%2e%2e/etc/passwd'),
  missing('GET', '//etc/passwd', 'not found: //etc/passwd'),
  { name: 'a malformed path', path: '/%zz', status: 400, error: 'malformed URL' },

  wrongMethod('PUT', SANDBOXES, 'GET, HEAD, POST'),
  wrongMethod('OPTIONS', SANDBOXES, 'GET, HEAD, POST'),
  wrongMethod('POST', `${SANDBOXES}/dev`, 'GET, HEAD, DELETE'),
  wrongMethod('GET', EXEC, 'POST'),
  wrongMethod('POST', `${SANDBOXES}/dev/logs`, 'GET, HEAD'),
  wrongMethod('DELETE', '/cgi-bin/api/modules', 'GET, HEAD'),
  wrongMethod('POST', '/cgi-bin/health', 'GET, HEAD'),
  wrongMethod('PROPFIND', '/cgi-bin/health', 'GET, HEAD'),
  wrongMethod('POST', '/', 'GET, HEAD'),
  wrongMethod('POST', FILES, 'GET, PUT'),

  { name: 'a file without a path', path: FILES, status: 400, error: 'path required' },
  { name: 'a relative path', path: `${FILES}?path=etc`, status: 400, error: /^invalid path: an absolute path / },
  { name: 'a path twice', path: `${FILES}?path=/a&path=/b`, status: 400, error: /^invalid path: / },
  { name: 'an unknown query field', path: `${FILES}?path=/a&follow=1`, status: 400, error: 'unknown field: follow' },
  { name: 'a file that is not there', path: `${FILES}?path=/no/such`, status: 404, error: /\/no\/such/ },
  {
    name: 'a file of no sandbox',
    path: '/v1/sandboxes/nobody/files?path=/etc',
    status: 404,
    error: 'not found: nobody',
  },
  {
    name: 'a mode that is not octal',
    method: 'PUT',
    path: `${FILES}?path=/tmp/x&mode=888`,
    status: 400,
    error: 'invalid mode: one to four octal digits',
  },
  {
    name: 'a write below nothing',
    method: 'PUT',
    path: `${FILES}?path=/no/such/file`,
    body: 'x'.repeat(200_000),
    status: 404,
    error: /\/no\/such/,
  },
  { name: 'an exec socket without an upgrade', path: '/v1/sandboxes/dev/exec', status: 400, error: /is a WebSocket/ },

  browser('an Origin of another host', { origin: 'https://evil.example' }, /another origin/),
  browser('an Origin of another port', { origin: 'http://127.0.0.1:1' }, /another origin/),
  browser('an opaque Origin', { origin: 'null' }, /another origin/),
  browser('a cross-site fetch', { 'sec-fetch-site': 'cross-site' }, /cross-site/),
  {
    ...browser('a cross-site create', { origin: 'https://evil.example' }, /another origin/),
    method: 'POST',
    body: '{"id":"x"}',
  },
  browser('a rebound Host', { host: 'evil.example' }, /^host refused: evil.example$/),
  browser('a rebound Host with a port', { host: 'evil.example:8080' }, /^host refused: evil.example:8080$/),
  browser('a Host that only begins as loopback', { host: '127.0.0.1.evil.example' }, /^host refused/),
  browser('a Host that only ends as localhost', { host: 'x.localhost' }, /^host refused/),
  browser('a Host with 256 in it', { host: '127.0.0.256' }, /^host refused/),
  browser('an address of this host', { host: '10.0.0.1:8080' }, /^host refused/),
];
