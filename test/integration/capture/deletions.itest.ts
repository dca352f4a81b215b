import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/ids.ts';
import { CaptureSite } from '../../support/capture-site.ts';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start({
    fill: (folder) => {
      for (const name of ['t/one/in/deep', 't/two/in', 't/three']) mkdirSync(join(folder, name), { recursive: true });
      for (const name of [
        't/a',
        't/b',
        't/one/x',
        't/one/in/y',
        't/one/in/deep/z',
        't/two/x',
        't/two/in/y',
        't/three/x',
      ])
        writeFileSync(join(folder, name), `${name}\n`);
    },
  });
});
afterAll(() => site?.[Symbol.asyncDispose]());

/** What is done to files of the layer below, and what must not be there afterwards. */
const CHANGES: Readonly<Record<string, readonly [line: string, gone: RegExp]>> = {
  'deleted files': ['rm a one/x one/in/y', /^\/(a|one\/x|one\/in\/y) /m],
  'a deleted folder': ['rm -r one', /^\/one/m],
  'a folder deleted and made anew': ['rm -r one; mkdir one; echo new > one/n', /^\/one\/(x|in)/m],
  'a folder made anew inside one': ['rm -r one/in; mkdir -p one/in/deep', /^\/one\/in\/(y|deep\/z)/m],
  'a folder replaced by a file': ['rm -r one; echo file > one', /^\/one\//m],
  'a folder replaced by a file and back': ['rm -r one; echo file > one; rm one; mkdir one', /^\/one\//m],
  'a file replaced by a folder and back': ['rm a; mkdir a; touch a/in; rm -r a; echo new > a', /^\/a\//m],
  'a folder replaced by a link': ['rm -r one; ln -s two one', /^\/one\//m],
  'a renamed folder': ['mv one moved', /^\/one/m],
  'folders that change places': ['mv one third; mv two one; mv third two', /^\/(third|two\/nothing)/m],
  'a file renamed over another': ['mv a b; mv two/x two/in/y', /^\/(a|two\/x) /m],
  'everything deleted': ['rm -r a b one two three', /^\/./m],
  'a folder emptied': ['rm three/x', /^\/three\//m],
};

test.each(Object.entries(CHANGES))('capture() keeps %s', async (_, [line, gone]) => {
  await site.restore();
  const untouched = (await site.walk('/t')).join('\n');
  expect(untouched).toMatch(/^\/one\/in\/deep\/z /m);
  await site.sh(`cd /t; ${line}`);
  const before = await site.walk('/t');
  const listed = await site.sh('cd /t; ls -A1R');
  expect(before.join('\n')).not.toMatch(gone);
  expect(before.join('\n')).not.toBe(untouched);
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await site.walk('/t')).toEqual(before);
  expect(await site.sh('cd /t; ls -A1R')).toBe(listed);
});

test('a chain of ten captures brings back what each of them wrote and nothing that one of them deleted', async () => {
  await site.restore();
  const chain: Digest[] = [];
  for (let n = 0; n < 10; n++) {
    await site.sh(
      `cd /t; echo ${n} > f${n}; mkdir d${n}; echo ${n} > d${n}/x; echo ${n} > same; mkdir -p many; echo > many/${n}`,
    );
    if (n === 2) await site.sh('cd /t; rm a f0 d1/x; rm -r one');
    if (n === 4) await site.sh('cd /t; rm -r d3 many; mkdir one d3; echo new > one/new');
    if (n === 6) await site.sh('cd /t; rm -r two; echo file > two; rm f5');
    if (n === 8) await site.sh('cd /t; rm two; mkdir two; mv d7 moved; ln -s f8 link');
    const before = await site.walk('/');
    chain.unshift((await site.capture()).digest);
    await site.restore(...chain);
    expect(await site.walk('/')).toEqual(before);
  }
  const all = (await site.walk('/t')).join('\n');
  expect(all).not.toMatch(/^\/(a|f0|f5|d1\/x|d3\/x|one\/x|two\/x|d7|many\/[0-4]) /m);
  expect(all).toMatch(/^\/f9 [\s\S]*^\/link [\s\S]*^\/many\/9 [\s\S]*^\/moved\/x [\s\S]*^\/one\/new /m);
  // As one layer, it says the same.
  const merged = await site.capture(chain);
  const whole = await site.walk('/');
  await site.restore(merged.digest);
  expect(await site.walk('/')).toEqual(whole);
  expect(await site.sh('cd /t; ls -A1 d1 d3 many')).toBe('d1:\n\nd3:\n\nmany:\n5\n6\n7\n8\n9\n');
});

test('capture() of a sandbox in which nothing was written gives it back', async () => {
  await site.restore();
  const before = await site.walk('/');
  const { digest, lost } = await site.capture();
  expect(lost).toMatchObject({ sockets: 0, attributes: 0 });
  await site.restore(digest);
  expect(await site.walk('/')).toEqual(before);
});
