import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endsAsShown, runSession, type SessionResult, type Step, stepsOf } from '../support/doc-session.ts';
import { PROJECT_ROOT, type ProjectFile, readProjectFiles } from '../support/project-files.ts';

// The README makes the layers and the daemon that a reader of the other documents has.
const FIRST = 'README.md';
const MINUTE_MS = 60_000;

// Nothing to do after a session that ended as it should.
const CLEAN_UP = `
if [ -n "$(jobs -p)" ]; then
  script/squash --json list | jq -r '.[].id' | xargs -rn1 script/squash destroy
  kill $(jobs -p); wait
fi`;

// A reader of the other documents has a daemon, and what they make is theirs.
const START = `
script/squashd 2>squashd.log &
curl -s --retry 20 --retry-delay 1 --retry-connrefused localhost:8080/cgi-bin/health`;

function sessionOf({ path, text }: ProjectFile): Step[] {
  const steps = stepsOf(path, text);
  if (path === FIRST || steps.length === 0) return steps;
  const around = (place: string, code: string): Step => ({ place: `${place} ${path}`, code, output: undefined });
  return [around('before', START), ...steps, around('after', CLEAN_UP)];
}

const steps = readProjectFiles(/\.md$/)
  .toSorted((a, b) => Number(b.path === FIRST) - Number(a.path === FIRST))
  .flatMap(sessionOf);
let data = '';
let result: SessionResult;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}

/** As of a shell in a fresh clone: no settings, and not the programs of the checkout's packages. */
function readerEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('SQUASH_'));
  const path = process.env.PATH?.split(':').filter((folder) => !folder.endsWith('/node_modules/.bin')) ?? [];
  // npm keeps compiled code in the temporary folder, which the leak gate looks into.
  return { ...Object.fromEntries(entries), PATH: path.join(':'), NODE_DISABLE_COMPILE_CACHE: '1' };
}

beforeAll(async () => {
  data = join(tmpdir(), 'docs');
  // An answer of 400 or above ends the session too.
  await writeFile(join(tmpdir(), '.curlrc'), 'fail-with-body\nno-progress-meter\n');
  const port = String(await freePort());
  result = await runSession(
    // The port of the documents may be taken on this machine.
    steps.map((step) => ({ ...step, code: step.code.replaceAll('localhost:8080', `localhost:${port}`) })),
    {
      cwd: PROJECT_ROOT,
      env: { ...readerEnvironment(), SQUASH_DATA: data, SQUASH_PORT: port, CURL_HOME: tmpdir() },
      cleanUp: CLEAN_UP,
      timeoutMs: 5 * MINUTE_MS,
    },
  );
}, 6 * MINUTE_MS);

afterAll(async () => {
  await rm(data, { recursive: true, force: true });
  await rm(join(tmpdir(), '.curlrc'));
  await rm(join(PROJECT_ROOT, 'squashd.log'), { force: true });
});

test('there is something to run, and output to compare', () => {
  expect(steps.length).toBeGreaterThanOrEqual(3);
  expect(steps.filter(({ output }) => output !== undefined).length).toBeGreaterThanOrEqual(3);
});

test('the documents work when pasted from top to bottom', () => {
  expect(result.status, result.stderr).toBe(0);
  expect(result.printed).toHaveLength(steps.length);
});

test.each(steps.flatMap((step, index) => (step.output === undefined ? [] : [{ ...step, shown: step.output, index }])))(
  '$place prints what it shows',
  ({ shown, index }) => {
    const printed = result.printed[index] ?? '';
    expect(endsAsShown(printed, shown), `it printed:\n${printed}`).toBe(true);
  },
);
