import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawHttp } from '../support/raw-http.ts';
import { REFUSED, type RefusedCase } from './api-refusals.ts';
import { snapshotsContract } from './api-snapshots.ts';

/** A daemon, or the API alone, listening on a loopback port with nothing in it. Disposing it leaves nothing behind. */
export interface ApiHarness extends AsyncDisposable {
  readonly url: string;
  /** Layers in its store that together make a sandbox with `/bin/sh`, `cat` and `echo`, base first, given in ascending order; none of them is `000-base-alpine`. */
  readonly layers: readonly [string, ...string[]];
}

export interface ApiHarnessOptions {
  readonly authToken?: string;
  readonly hosts?: readonly string[];
  readonly maxSandboxes?: number;
}

const TOKEN = 'a-token-of-some-length';
const SANDBOXES = '/cgi-bin/api/sandboxes';

const INFO_FIELDS = [
  ...['id', 'owner', 'task', 'layers', 'created', 'last_active', 'mounted', 'exec_count', 'upper_bytes', 'snapshots'],
  ...['active_snapshot', 'cpu', 'memory_mb', 'max_lifetime_s', 'allow_net', 'network', 'nesting', 'state', 'backend'],
  ...['upper_limit_bytes', 'expires'],
].toSorted();
const RESULT_FIELDS = [
  ...['seq', 'cmd', 'workdir', 'exit_code', 'started', 'finished', 'duration_ms', 'timed_out', 'truncated'],
  ...['stdout', 'stderr'],
].toSorted();
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Every route right and wrong, over a real socket, as the seed's clients know it. The same suite runs against every way to make a server. */
export function apiContract(name: string, makeServer: (options: ApiHarnessOptions) => Promise<ApiHarness>): void {
  describe(`${name} keeps the API contract:`, () => {
    let server: ApiHarness;
    let http: RawHttp;
    beforeAll(async () => {
      server = await makeServer({ hosts: ['squash.test'] });
      http = new RawHttp(server.url);
    });
    afterAll(async () => {
      http[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    });

    async function json(method: string, path: string, body?: object, client = http) {
      const answer = await client.call({ method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      return { status: answer.status, value: JSON.parse(answer.text) as unknown };
    }

    describe('one life of a sandbox', () => {
      test('list is an empty array before the first create', async () => {
        expect(await json('GET', SANDBOXES)).toEqual({ status: 200, value: [] });
      });

      test('create answers 201 with the whole info and the defaults', async () => {
        const { status, value } = await json('POST', SANDBOXES, { id: 'dev', layers: server.layers.join(',') });
        expect(status).toBe(201);
        expect(Object.keys(value as object).toSorted()).toEqual(INFO_FIELDS);
        expect(value).toMatchObject({
          id: 'dev',
          owner: 'anon',
          task: '',
          layers: server.layers,
          mounted: true,
          exec_count: 0,
          snapshots: [],
          active_snapshot: null,
          cpu: 2,
          memory_mb: 1024,
          max_lifetime_s: 0,
          allow_net: [],
          network: 'none',
          nesting: false,
          state: 'running',
          expires: null,
          created: expect.stringMatching(UTC),
        });
      });

      test('create takes an array of layers, numbers as strings, and every field', async () => {
        const request = {
          id: 'full_1',
          layers: server.layers,
          owner: 'dana',
          task: 'lint',
          cpu: '0.5',
          memory_mb: '256',
          max_lifetime_s: '600',
          allow_net: ['none'],
          nesting: false,
        };
        const { status, value } = await json('POST', SANDBOXES, request);
        expect(status).toBe(201);
        expect(value).toMatchObject({ ...request, cpu: 0.5, memory_mb: 256, max_lifetime_s: 600 });
      });

      test('create of an id that exists is 409', async () => {
        const again = { id: 'dev', layers: server.layers };
        expect(await json('POST', SANDBOXES, again)).toEqual({ status: 409, value: { error: 'already exists' } });
      });

      test('of parallel creates of one id, one gets 201 and the rest 409', async () => {
        const clients = Array.from({ length: 8 }, () => new RawHttp(server.url));
        const body = JSON.stringify({ id: 'race', layers: server.layers });
        const answers = await Promise.all(clients.map((each) => each.call({ method: 'POST', path: SANDBOXES, body })));
        for (const each of clients) each[Symbol.dispose]();
        expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array<number>(7).fill(409)]);
      });

      test('info and list tell the same of it', async () => {
        const { value: info } = await json('GET', `${SANDBOXES}/dev`);
        expect(info).toMatchObject({ id: 'dev' });
        const { value: list } = await json('GET', SANDBOXES);
        expect((list as { id: string }[]).map(({ id }) => id).toSorted()).toEqual(['dev', 'full_1', 'race']);
      });

      test.each([
        { body: { cmd: 'echo hello' }, exit_code: 0, stdout: 'hello\n', stderr: '' },
        { body: { cmd: 'echo oops >&2; exit 3' }, exit_code: 3, stdout: '', stderr: 'oops\n' },
        { body: { cmd: 'pwd', workdir: '/tmp', timeout: '5' }, exit_code: 0, stdout: '/tmp\n', stderr: '' },
      ])('exec $body.cmd answers 200 whatever the exit code', async ({ body, ...expected }) => {
        const { status, value } = await json('POST', `${SANDBOXES}/dev/exec`, body);
        expect(status).toBe(200);
        expect(Object.keys(value as object).toSorted()).toEqual(RESULT_FIELDS);
        expect(value).toMatchObject({ ...expected, cmd: body.cmd, timed_out: false, truncated: false });
      });

      test.each(['application/x-www-form-urlencoded', 'text/plain', 'no type at all;;', undefined])(
        'exec reads JSON that is sent as %s',
        async (type) => {
          const headers = type === undefined ? {} : { 'content-type': type };
          const body = JSON.stringify({ cmd: 'echo form' });
          const answer = await http.call({ method: 'POST', path: `${SANDBOXES}/dev/exec`, headers, body });
          expect(JSON.parse(answer.text)).toMatchObject({ stdout: 'form\n' });
        },
      );

      test('logs are the exec results in ascending order', async () => {
        const { status, value } = await json('GET', `${SANDBOXES}/dev/logs`);
        expect(status).toBe(200);
        const seqs = (value as { seq: number }[]).map(({ seq }) => seq);
        expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
      });

      test('HEAD answers as GET does, without the body', async () => {
        const answer = await http.call({ method: 'HEAD', path: `${SANDBOXES}/dev` });
        expect(answer).toMatchObject({ status: 200, text: '' });
      });

      test('destroy answers 204 without a body, and then nothing is there', async () => {
        for (const id of ['dev', 'full_1', 'race']) {
          const answer = await http.call({ method: 'DELETE', path: `${SANDBOXES}/${id}` });
          expect(answer).toMatchObject({ status: 204, text: '' });
        }
        expect(await json('GET', `${SANDBOXES}/dev`)).toEqual({ status: 404, value: { error: 'not found: dev' } });
        expect(await json('GET', SANDBOXES)).toEqual({ status: 200, value: [] });
      });
    });

    test('health tells the status without a look at any header', async () => {
      const { status, value } = await json('GET', '/cgi-bin/health');
      expect(status).toBe(200);
      expect(value).toEqual({
        status: 'ok',
        backend: expect.stringMatching(/^\w+$/),
        tailscale: { status: 'off', ip: '' },
        sandboxes: 0,
        modules: server.layers.length,
        base_ready: true,
      });
    });

    test('modules are listed by name', async () => {
      const { status, value } = await json('GET', '/cgi-bin/api/modules');
      expect(status).toBe(200);
      const modules = server.layers.map((each) => ({ name: each, size: expect.any(Number), location: 'local' }));
      expect(value).toEqual(modules);
    });

    describe('snapshots', () => {
      const status = async (method: string, path: string) => (await http.call({ method, path })).status;
      const beside = async (method: string, path: string, body?: object) => {
        using client = new RawHttp(server.url);
        return await json(method, path, body, client);
      };
      snapshotsContract({ json, beside, status, layers: () => server.layers });
    });

    test('a create that names no layers is told how to get the default one', async () => {
      const { status, value } = await json('POST', SANDBOXES, { id: 'first' });
      expect(status).toBe(404);
      const { error } = value as { error: string };
      expect(error).toMatch(/^not found: 000-base-alpine\b/);
      expect(error).toContain('squash sq-mkbase debian');
      expect(error).toContain('SQUASH_DEFAULT_LAYERS=000-base-debian');
    });

    test.each(['/', '/static/'])('GET %s is a page that loads and runs nothing', async (path) => {
      const { status, headers, text } = await http.call({ path });
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(text).toContain('/cgi-bin/api/sandboxes/<em>:id</em>/exec');
      expect(text).not.toMatch(/<script|src=|href=/);
    });

    describe('what is wrong', () => {
      beforeAll(async () => {
        expect(await json('POST', SANDBOXES, { id: 'dev', layers: server.layers })).toMatchObject({ status: 201 });
      });

      async function expectRefused(refused: RefusedCase): Promise<void> {
        const { status, error, allow } = refused;
        const answer = await http.call(refused);
        expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
        // One member, one line, whatever went wrong.
        expect(JSON.parse(answer.text)).toEqual({
          error: typeof error === 'string' ? error : expect.stringMatching(error),
        });
        expect(answer.headers.allow).toBe(allow);
        // The connection goes on as if nothing had been.
        const next = await http.call({ path: '/cgi-bin/health' });
        expect(next.status).toBe(200);
        if (answer.headers.connection !== 'close') expect(next.localPort).toBe(answer.localPort);
      }

      test.each(REFUSED)('$name is $status', expectRefused);

      test('nothing was created or run by any of it', async () => {
        const { value: list } = await json('GET', SANDBOXES);
        expect((list as { id: string }[]).map(({ id }) => id)).toEqual(['dev']);
        expect(await json('GET', `${SANDBOXES}/dev/logs`)).toEqual({ status: 200, value: [] });
      });
    });

    test('the sandbox after the last allowed one is 503', async () => {
      await using small = await makeServer({ maxSandboxes: 1 });
      using client = new RawHttp(small.url);
      const create = (id: string) =>
        client.call({ method: 'POST', path: SANDBOXES, body: JSON.stringify({ id, layers: small.layers }) });
      expect((await create('one')).status).toBe(201);
      const answer = await create('two');
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.text)).toEqual({ error: 'sandbox limit reached (1)' });
      await client.call({ method: 'DELETE', path: `${SANDBOXES}/one` });
    });

    describe('with a token', () => {
      let closed: ApiHarness;
      let client: RawHttp;
      beforeAll(async () => {
        closed = await makeServer({ authToken: TOKEN });
        client = new RawHttp(closed.url);
      });
      afterAll(async () => {
        client[Symbol.dispose]();
        await closed[Symbol.asyncDispose]();
      });

      const guarded = [
        { method: 'GET', path: SANDBOXES },
        { method: 'POST', path: SANDBOXES, body: '{"id":' },
        { method: 'POST', path: SANDBOXES, body: 'x'.repeat(2_000_000) },
        { method: 'GET', path: `${SANDBOXES}/nobody` },
        { method: 'DELETE', path: `${SANDBOXES}/nobody` },
        { method: 'PATCH', path: SANDBOXES },
        { method: 'POST', path: '/cgi-bin/health' },
        { method: 'GET', path: '/nothing/here' },
        { method: 'GET', path: '/%zz' },
        { method: 'GET', path: '/v1/sandboxes/nobody/files?path=/x' },
        { method: 'GET', path: '/v1/sandboxes/nobody/exec', headers: { upgrade: 'websocket', connection: 'upgrade' } },
        { method: 'GET', path: SANDBOXES, headers: { authorization: `Bearer ${TOKEN}x` } },
        { method: 'GET', path: SANDBOXES, headers: { authorization: TOKEN } },
        { method: 'GET', path: SANDBOXES, headers: { authorization: 'Bearer ' } },
        { method: 'GET', path: SANDBOXES, headers: { authorization: `Basic ${TOKEN}` } },
      ];
      test.each(guarded)('$method $path is 401 without it, before any look at what exists', async (call) => {
        const answer = await client.call(call);
        expect(answer.status).toBe(401);
        expect(JSON.parse(answer.text)).toEqual({ error: 'unauthorized' });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      });

      test.each(['/cgi-bin/health', '/', '/static/'])('GET %s needs none', async (path) => {
        expect((await client.call({ path })).status).toBe(200);
      });

      test('a request that carries it is served, under any Host', async () => {
        const headers = { authorization: `Bearer ${TOKEN}`, host: 'sandboxes.example' };
        expect(await client.call({ path: SANDBOXES, headers })).toMatchObject({ status: 200, text: '[]\n' });
      });

      test('a cross-site request is 403 even with it', async () => {
        const headers = { authorization: `Bearer ${TOKEN}`, 'sec-fetch-site': 'cross-site' };
        expect((await client.call({ path: SANDBOXES, headers })).status).toBe(403);
      });
    });

    test.each([
      'localhost',
      'LOCALHOST:8080',
      '127.0.0.1',
      '127.8.9.10:1',
      '[::1]:8080',
      '[::1]',
      'squash.test',
      'squash.test:99',
    ])('Host %s is served without a token', async (host) => {
      expect((await http.call({ path: SANDBOXES, headers: { host } })).status).toBe(200);
    });

    test('an Origin of the same host is served', async () => {
      const headers = { host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' };
      expect((await http.call({ path: SANDBOXES, headers })).status).toBe(200);
    });
  });
}
