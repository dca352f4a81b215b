import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseLayerName } from '../../../src/domain/ids.ts';
import { Child } from '../../../src/layers/build/child.ts';
import { confinedLine, launchLine, treeLineAs } from '../../../src/layers/build/launch.ts';
import type { Recipe } from '../../../src/layers/build/recipe.ts';
import { run } from '../../../src/layers/build/run.ts';
import { makeTestSite, type TestSite } from './build-site.ts';

let here: TestSite;
beforeEach(async () => {
  here = await makeTestSite();
});
afterEach(() => here[Symbol.asyncDispose]());

/** A recipe whose tar is what a line of shell prints. */
function shellRecipe(line: string): Recipe {
  return {
    name: parseLayerName('300-x'),
    tool: 'the shell',
    description: 'test',
    isPinned: false,
    start: async ({ env, signal }) =>
      new Child(launchLine(['sh', '-c', line]), 'the shell', { output: 'pipe', env, signal, cwd: here.home }),
  };
}

async function archive(...options: string[]): Promise<string> {
  await mkdir(join(here.home, 't'), { recursive: true });
  await writeFile(join(here.home, 't/file'), 'x'.repeat(100_000));
  execFileSync('tar', ['-cf', 'a.tar', '-C', 't', '.', ...options], { cwd: here.home });
  return 'cat a.tar';
}

test.each([
  [
    'an archive that ends early',
    (cat: string) => `${cat} | head -c 20000`,
    /^Cannot read the tar of a layer: it ends early$/,
  ],
  [
    'a source that fails half-way',
    (cat: string) => `${cat} | head -c 20000; echo reason >&2; exit 3`,
    /^Cannot finish the shell: exit code 3: reason$/,
  ],
  [
    'a source that fails after its last byte',
    (cat: string) => `${cat}; echo late >&2; exit 4`,
    /^Cannot finish the shell: exit code 4: late$/,
  ],
  ['a source that is killed', () => 'kill -KILL $$', /^Cannot finish the shell: exit code 137: it said nothing$/],
  ['no archive at all', () => 'true', /^Cannot read the tar of a layer: it ends early$/],
  [
    'something else than an archive',
    () => 'head -c 4096 /dev/zero | tr "\\0" x',
    /^Cannot read the tar of a layer: a header has a wrong checksum$/,
  ],
])('%s makes no layer and leaves nothing', async (_what, line, said) => {
  const cat = await archive();
  await expect(here.build(shellRecipe(line(cat)))).rejects.toThrow(said);
  expect(await here.leftovers()).toEqual([]);
});

test('what mksquashfs leaves out is an error, although it ends with 0', async () => {
  await mkdir(join(here.home, 't/folder'), { recursive: true });
  // The same folder twice.
  const cat = await archive('--no-recursion', './folder');
  await expect(here.build(shellRecipe(cat))).rejects.toThrow(
    'Cannot pack everything: mksquashfs says "folder already exists in the tar file, ignoring"',
  );
  expect(await here.leftovers()).toEqual([]);
});

test('the packer has no capability, no network and no id of the host but its own', async () => {
  const { site } = here;
  const look =
    'grep -E "^(Cap|NoNewPrivs|Uid)" /proc/self/status; cat /proc/self/uid_map; grep -c : /proc/net/dev; cat /etc/shadow';
  const said = await run(confinedLine(site.user, ['sh', '-c', `${look} || true`]), 'sh', {
    env: site.env,
    signal: new AbortController().signal,
  });
  expect(said.match(/^Cap\w+:\s+0{16}$/gm)).toHaveLength(5);
  expect(said).toMatch(/^NoNewPrivs:\s+1$/m);
  expect(said).toMatch(new RegExp(`^ +0 +${site.user.uid} +1$`, 'm'));
  // Loopback only; and /etc/shadow, which came last, could not be read.
  expect(said.trim().split('\n').at(-1)).toBe('1');
});

test('aborting ends the build and leaves nothing, neither files nor programs', async () => {
  const controller = new AbortController();
  const started = Promise.withResolvers<Child>();
  const recipe = shellRecipe('sleep 1000 & echo $! >&2; wait');
  const building = here.build(
    {
      ...recipe,
      start: async (context) => {
        const child = await recipe.start(context);
        started.resolve(child);
        return child;
      },
    },
    { signal: controller.signal },
  );
  const child = await started.promise;
  controller.abort();
  await expect(building).rejects.toThrow('interrupted');
  await expect(child.ended).rejects.toThrow('interrupted');
  expect(await here.leftovers()).toEqual([]);
});

test('programs that a builder started die with us, even when we are killed', async () => {
  const line = treeLineAs(here.site.user, ['sh', '-c', 'setsid sleep 1000 & (sleep 1000 &) ; echo ready; wait']);
  const start = `require('node:child_process').spawn('sh', ${JSON.stringify(line.slice(1))}, { stdio: 'inherit', detached: true })`;
  const holder = spawn(process.execPath, ['-e', `${start}; setInterval(() => {}, 1e9)`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  // The pipe ends when the last of them is gone.
  await expect(once(holder.stdout, 'end')).resolves.toEqual([]);
});
