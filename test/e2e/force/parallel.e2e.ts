import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { commandsOf, initPid } from '../../support/sandbox-on-host.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start({ env: { SQUASH_MAX_SANDBOXES: '6' } });
});
afterAll(() => installation[Symbol.asyncDispose]());

const create = (id: string, more: object = {}) =>
  installation.call('POST', '/cgi-bin/api/sandboxes', { id, memory_mb: 128, ...more });
const destroy = (id: string) => installation.call('DELETE', `/cgi-bin/api/sandboxes/${id}`);
const exec = (id: string, cmd: string, timeout = 60) =>
  installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd, timeout });

/** Nothing of any sandbox is on disk, or in the run folder. */
function expectNothingLeft(): void {
  expect(readdirSync(join(installation.dataFolder, 'sandboxes'))).toEqual([]);
  expect(readdirSync(join(installation.runFolder, 'machines'))).toEqual([]);
  // Those that are kept ready for the next two sandboxes.
  expect(readdirSync(join(installation.dataFolder, 'uppers')).length).toBeLessThanOrEqual(2);
}

test('200 commands at once in one sandbox all answer, with 200 distinct numbers without gaps', async () => {
  expect(await create('busy')).toMatchObject({ status: 201 });
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => exec('busy', `echo ${i}`)));
  const results = answers.map(({ body }) => body as ExecResult);
  expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}\n`));
  const seqs = results.map(({ seq }) => seq).toSorted((a, b) => a - b);
  expect(seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  const { body: logs } = await installation.call('GET', '/cgi-bin/api/sandboxes/busy/logs');
  expect((logs as ExecResult[]).map(({ seq }) => seq)).toEqual(seqs);
  expect(await destroy('busy')).toMatchObject({ status: 204 });
});

test('of many creates of one id, one wins', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => create('one')));
  const statuses = answers.map(({ status }) => status).toSorted();
  expect(statuses).toEqual([201, ...Array<number>(11).fill(409)]);
  expect(answers.find(({ status }) => status === 409)).toMatchObject({ body: { error: 'already exists' } });
  expect(await destroy('one')).toMatchObject({ status: 204 });
  expectNothingLeft();
});

test('creates beyond the limit are refused at once, and none of them counts', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => create(`s${i}`)));
  const refused = answers.filter(({ status }) => status !== 201);
  expect(refused).toEqual(
    Array.from({ length: 4 }, () => ({ status: 503, body: { error: 'sandbox limit reached (6)' } })),
  );
  const { body } = await installation.call('GET', '/cgi-bin/api/sandboxes');
  const ids = (body as SandboxInfo[]).map(({ id }) => id);
  expect(ids).toHaveLength(6);
  expect((await Promise.all(ids.map(destroy))).every(({ status }) => status === 204)).toBe(true);
  expectNothingLeft();
});

test('destroy during commands always ends, and they answer', async () => {
  for (let round = 0; round < 4; round++) {
    expect(await create('doomed')).toMatchObject({ status: 201 });
    const commands = ['sleep 1000', 'setsid sleep 1000 & sleep 1000', 'yes'];
    const running = commands.map((cmd) => exec('doomed', cmd));
    await exec('doomed', `usleep ${round * 60_000}`);
    expect(await destroy('doomed')).toMatchObject({ status: 204 });
    for (const answer of await Promise.all(running)) {
      expect([200, 404, 409]).toContain(answer.status);
      if (answer.status === 200) expect(answer.body).toMatchObject({ exit_code: 137, interrupted: true });
    }
    expect(await installation.call('GET', '/cgi-bin/api/sandboxes/doomed')).toMatchObject({ status: 404 });
    expectNothingLeft();
  }
}, 60_000);

test('destroy during a fork bomb ends, whatever the bomb took from its neighbours', async () => {
  expect(await create('doomed')).toMatchObject({ status: 201 });
  const bomb = exec('doomed', 'bomb() { bomb | bomb & }; bomb; exec sleep 1000');
  await expect.poll(() => commandsOf(initPid(installation.runFolder, 'doomed')).length).toBeGreaterThan(100);
  expect(await destroy('doomed')).toMatchObject({ status: 204 });
  expect(await bomb).toMatchObject({ status: 200, body: { exit_code: 137 } });
  expectNothingLeft();
});

test('destroy during create always ends, and leaves nothing, or the create had not begun', async () => {
  const seen = new Set<number>();
  for (let round = 0; round < 24; round++) {
    const creating = create('early');
    // As many turns later as the round says, the create has come further.
    for (let i = 0; i < round; i++) await installation.call('GET', '/cgi-bin/health');
    const [created, destroyed] = await Promise.all([creating, destroy('early')]);
    seen.add(destroyed.status);
    expect([204, 404]).toContain(destroyed.status);
    if (destroyed.status === 204) expect([201, 409]).toContain(created.status);
    else expect(await destroy('early')).toMatchObject({ status: 204 });
    expect(await installation.call('GET', '/cgi-bin/api/sandboxes/early')).toMatchObject({ status: 404 });
    expectNothingLeft();
  }
  expect(seen).toContain(204);
}, 60_000);

test('many destroys of one sandbox share one, and every one of them ends', async () => {
  expect(await create('shared')).toMatchObject({ status: 201 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => destroy('shared')));
  for (const { status } of answers) expect([204, 404]).toContain(status);
  expect(answers.some(({ status }) => status === 204)).toBe(true);
  expectNothingLeft();
});

test('create, exec and destroy of several sandboxes side by side never meet', async () => {
  await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map(async (id) => {
      for (let round = 0; round < 3; round++) {
        expect(await create(id)).toMatchObject({ status: 201 });
        expect(await exec(id, `echo ${id}${round} > /root/me; hostname; cat /root/me; ls /root`)).toMatchObject({
          body: { stdout: `${id}\n${id}${round}\nme\n`, seq: 1 },
        });
        expect(await destroy(id)).toMatchObject({ status: 204 });
      }
    }),
  );
  expectNothingLeft();
});

test('a sandbox ends at the second that its lifetime says', async () => {
  const { body } = await create('brief', { max_lifetime_s: 2 });
  const { created, expires } = body as SandboxInfo;
  expect(Date.parse(expires ?? '') - Date.parse(created)).toBe(2000);
  const running = exec('brief', 'sleep 1000');
  await expect
    .poll(async () => (await installation.call('GET', '/cgi-bin/api/sandboxes/brief')).status, {
      timeout: 5000,
      interval: 20,
    })
    .toBe(404);
  const lateMs = Date.now() - Date.parse(expires ?? '');
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(1000);
  expect(await running).toMatchObject({ status: 200, body: { exit_code: 137, interrupted: true } });
  expect(existsSync(join(installation.dataFolder, 'sandboxes/brief'))).toBe(false);
});

test('a lifetime goes on while nobody serves, and is over at once when somebody does', async () => {
  expect(await create('slept', { max_lifetime_s: 1 })).toMatchObject({ status: 201 });
  expect(await create('stays', { max_lifetime_s: 3600 })).toMatchObject({ status: 201 });
  await installation.stop();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await installation.start();
  await expect.poll(async () => (await installation.call('GET', '/cgi-bin/api/sandboxes/slept')).status).toBe(404);
  expect(await exec('stays', 'echo here')).toMatchObject({ body: { stdout: 'here\n' } });
  expect(await destroy('stays')).toMatchObject({ status: 204 });
  expectNothingLeft();
});
