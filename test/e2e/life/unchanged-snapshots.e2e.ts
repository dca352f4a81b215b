import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';

const SANDBOX = '/cgi-bin/api/sandboxes/same';

let installation: Installation;
beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation?.[Symbol.asyncDispose]());

async function exec(cmd: string): Promise<unknown> {
  return (await installation.call('POST', `${SANDBOX}/exec`, { cmd })).body;
}

// Their bytes are the same, and overlayfs refuses a stack that has a layer twice.
test('snapshots between which nothing was written stand on each other, and are restored', async () => {
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'same' });
  for (const label of ['one', 'two', 'three']) {
    expect(await installation.call('POST', `${SANDBOX}/snapshot`, { label })).toMatchObject({ status: 200 });
    expect(await installation.call('POST', `${SANDBOX}/restore`, { label })).toMatchObject({ status: 200 });
  }
  await exec('echo kept > /root/kept');
  expect(await installation.call('POST', `${SANDBOX}/snapshot`, { label: 'four' })).toMatchObject({ status: 200 });
  await exec('rm /root/kept');
  expect(await installation.call('POST', `${SANDBOX}/restore`, { label: 'four' })).toMatchObject({ status: 200 });
  expect(await exec('cat /root/kept')).toMatchObject({ stdout: 'kept\n' });
  const list = (await installation.call('GET', '/v1/sandboxes/same/snapshots')).body as { digest?: string }[];
  expect(list.length).toBe(4);
});
