// Whatever a packer says, or does not say, the sandbox goes on, the answer names it, and nothing is left.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf, initPid } from '../support/sandbox-on-host.ts';
import { startedAs } from './support/packers.ts';
import { PlantedPacker } from './support/planted.ts';

let planted: PlantedPacker;
beforeAll(async () => {
  planted = await PlantedPacker.start({ SQUASH_CAPTURE_TIMEOUT_S: '1' });
});
afterAll(() => planted?.[Symbol.asyncDispose]());

const LIES: Readonly<Record<string, readonly [status: number, error: RegExp]>> = {
  'say nothing': [409, /packer died/],
  'say half': [409, /packer died/],
  curse: [409, /\(a\?\[31mb\?\?\?c\?\?\?%s%n"\)/],
  'other error': [409, /no error of any kernel/],
  'bad image': [409, /what was packed cannot be mounted/],
  'empty image': [409, /what was packed cannot be mounted/],
  'leave children': [409, /children are left/],
  'report and hang': [504, /not done after 1 s/],
  'children and hang': [504, /not done after 1 s/],
  hang: [504, /not done after 1 s/],
};

test.each(Object.entries(LIES))(
  'of a packer that does "%s", the snapshot is refused within the deadline',
  async (what, [status, error]) => {
    const begin = performance.now();
    const answered = await planted.pack(what);
    expect(answered).toMatchObject({ status, body: { error: expect.stringMatching(error) } });
    expect(JSON.stringify(answered.body)).not.toMatch(/\\u00|\\[nrt]/);
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(await planted.exec('echo thawed')).toBe('thawed\n');
    expect(planted.taken()).toEqual([]);
    expect(planted.stored()).toBe(2);
    expect(startedAs('squash-packer')).toEqual([]);
    expect(commandsOf(initPid(planted.host.runFolder, 'planted'))).toEqual([]);
    expect((await planted.host.call('GET', '/v1/sandboxes/planted/snapshots')).body).toEqual([]);
  },
);

test('of a packer that counts more than there can be, the snapshot stays readable for the next daemon', async () => {
  expect(await planted.pack('lie', 'liar')).toMatchObject({ status: 200, body: { snapshot: 'liar' } });
  const serving = planted.host.waitForDaemon();
  planted.host.killDaemon();
  await serving;
  expect(await planted.host.call('GET', '/v1/sandboxes/planted/snapshots')).toMatchObject({
    body: [{ label: 'liar' }],
  });
  expect(planted.host.log.join('\n')).not.toContain('Cannot read snapshot');
});
