// The main job of Squash on real input: this project's own unit tests, run in a sandbox made of three layers; then its state is kept.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { keepState } from './keep-state.ts';
import { type Finished, fingerprint, type Places, runProgram, squash } from './programs.ts';
import { PROJECT_INSIDE, stageProject } from './project-layer.ts';
import { Steps } from './steps.ts';
import { countTests, failedTests, type SuiteCount, unitSuiteCommand } from './unit-suite.ts';

const [root = '', bundle = '', dataFolder = ''] = process.argv.slice(2);
const places: Places = { root, bundle, dataFolder };
const BASE = '000-base-debian';
const NODE = '100-nodejs24';
const PROJECT = '300-squash-project';
const SANDBOX = 'demo';
const CREATE = ['demo', `${BASE},${NODE},${PROJECT}`, '--memory', '4096', '--cpu', '2'];
/** Fewer would mean that the suite was not found. */
const TESTS_MIN = 100;

const env: NodeJS.ProcessEnv = {
  ...process.env,
  SQUASH_DATA: dataFolder,
  SQUASH_PORT: process.env.SQUASH_PORT ?? '0',
  SQUASH_READY_UPPERS: '2',
};
const steps = new Steps();

function layerExists(name: string): boolean {
  return existsSync(join(dataFolder, 'modules', `${name}.json`));
}

async function buildProjectLayer(print: string): Promise<string> {
  const known = join(dataFolder, 'demo-project');
  if (layerExists(PROJECT) && existsSync(known) && readFileSync(known, 'utf8') === print) return 'as before';
  await using staged = await stageProject(places);
  await squash(places, ['sq-mkmod', 'from-dir', staged.path, PROJECT, '--root-owned', '--replace'], env);
  writeFileSync(known, print);
  return 'built';
}

/** The numbers outside are kept with the fingerprint of what was tested. */
async function countOutside(print: string): Promise<SuiteCount> {
  const report = join(dataFolder, `demo-outside-${print}.json`);
  if (!existsSync(report)) {
    rmSync(join(root, 'build/demo-outside.json'), { force: true });
    const fresh = join(root, 'build/demo-outside.json');
    await runProgram(unitSuiteCommand(join(root, 'node_modules/.bin/node'), fresh), { cwd: root }).catch(
      () => undefined,
    );
    writeFileSync(report, readFileSync(fresh));
  }
  return countTests(readFileSync(report, 'utf8'));
}

async function countInside(api: NodeJS.ProcessEnv): Promise<{ count: SuiteCount; failures: string[] }> {
  const report = '/tmp/report.json';
  const command = `cd ${PROJECT_INSIDE} && ${unitSuiteCommand('node', report).join(' ')} >/tmp/out 2>&1; cat ${report}`;
  const { stdout } = await squash(places, ['exec', SANDBOX, '--', 'sh', '-c', command], api);
  return { count: countTests(stdout), failures: failedTests(stdout) };
}

async function main(): Promise<number> {
  mkdirSync(dataFolder, { recursive: true });
  const print = fingerprint(root);
  const built = ({ stdout }: Finished): string => stdout.trim().replace(/^[^:]*: /, '');
  await steps.run(`Layer ${BASE}`, () => squash(places, ['sq-mkbase', 'debian'], env), built);
  await steps.run(`Layer ${NODE}`, () => squash(places, ['sq-mkmod', 'preset', 'nodejs24'], env), built);
  await steps.run(`Layer ${PROJECT}`, () => buildProjectLayer(print), String);
  await using daemon = await steps.run('Daemon', () => startDaemon(places, env));
  const api = { ...env, SQUASH_API: daemon.url };
  await squash(places, ['destroy', SANDBOX], api).catch(() => undefined); // of a demo that was interrupted
  await steps.run('Sandbox of the three layers', () => squash(places, ['create', SANDBOX, ...CREATE], api));
  try {
    await steps.run(
      'First command',
      () => squash(places, ['exec', SANDBOX, '--', 'node', '--version'], api),
      ({ stdout }) => stdout.trim(),
    );
    const tests = (count: SuiteCount): string => `${count.passed} passed, ${count.failed} failed`;
    const inside = await steps.run(
      'Unit tests inside',
      () => countInside(api),
      ({ count }) => tests(count),
    );
    const outside = await steps.run('Unit tests outside', () => countOutside(print), tests);
    await keepState(places, { sandbox: SANDBOX, create: CREATE, env: api, steps });
    console.log(`\n${steps.table()}\n`);
    if (inside.failures.length > 0)
      console.error(`Failed inside:\n${inside.failures.map((name) => `  ${name}`).join('\n')}`);
    if (inside.count.passed !== outside.passed || inside.count.passed < TESTS_MIN) {
      console.error(`The demo failed: ${inside.count.passed} tests passed inside, ${outside.passed} outside`);
      return 1;
    }
    console.log(`The same ${outside.passed} tests passed inside as outside.`);
    return 0;
  } finally {
    await steps.run('Destroy', () => squash(places, ['destroy', SANDBOX], api));
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
