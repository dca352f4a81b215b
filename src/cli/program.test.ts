import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { Cli } from './cli.ts';
import type { CliIo } from './cli-io.ts';
import { completionScript } from './completion-script.ts';
import { createProgram } from './program.ts';
import { runCli } from './run-cli.ts';

function recorder(): { io: CliIo; out: string[]; err: string[] } {
  const [out, err]: [string[], string[]] = [[], []];
  const sink = (into: string[]) => ({
    write: (data: string | Uint8Array) => into.push(String(data)) > 0,
    once: () => {},
  });
  const io = {
    calledAs: [],
    stdin: process.stdin,
    stdout: sink(out),
    stderr: sink(err),
    env: { SQUASH_API: 'http://localhost:1' },
  };
  return { io, out, err };
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

const program = () => createProgram(new Cli(recorder().io));
const pathOf = (command: Command): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];
const PATHS = everyCommand(program()).map(pathOf);

test.each(PATHS.filter((path) => path.at(-1) !== '__ids'))(
  'squash %s … --help fits 80 columns and says something',
  async (...path) => {
    const { io, out } = recorder();
    expect(await runCli([...path, '--help'], io)).toBe(0);
    const text = out.join('');
    expect(text).toContain(`Usage: ${['squash', ...path].join(' ')}`);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  },
);

test('every command that the seed had is there, as a word of squash and of sq-ctl', () => {
  const paths = PATHS.map((path) => path.join(' '));
  for (const name of ['create', 'exec', 'info', 'list', 'logs', 'modules', 'health', 'destroy', 'shell', 'cp'])
    expect(paths).toEqual(expect.arrayContaining([name, `sq-ctl ${name}`]));
});

test.each([
  [[], 'Usage: squash'],
  [['bogus'], "unknown command 'bogus'"],
  [['create'], "missing required argument 'id'"],
  [['create', 'a', 'b', 'c', 'd', 'e'], 'too many arguments'],
  [['create', 'dev', '--cpu', '0'], 'It must be a number above 0.'],
  [['create', 'dev', '--memory', '1.5'], 'It must be a whole number.'],
  [['list', '--bogus'], "unknown option '--bogus'"],
  [['exec', 'dev'], "missing required argument 'words'"],
  [['exec', '--json', '-i', 'dev', 'ls'], '--json cannot be used with --stdin, --tty or --env'],
  [['exec', '-e', 'novalue', 'dev', 'ls'], 'It must be NAME=value.'],
  [['cp', 'a', 'b'], 'one of SRC and DEST must be ID:PATH'],
  [['cp', 'a:/x', 'b:/y'], 'one of SRC and DEST must be ID:PATH'],
  [['sq-mkbase', 'alpine'], "unknown command 'alpine'"],
  [['sq-mkbase', 'debian', 'sid'], 'Allowed choices are bookworm, trixie.'],
  [['sq-mkbase', 'from-dir', '/tmp', '100-x'], 'A base begins with 000-'],
  [['sq-mkmod', 'from-dir', '/tmp', 'x'], 'invalid layer name "x"'],
  [['sq-mkmod', 'preset', 'rust'], 'Allowed choices are nodejs24.'],
  [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
])('squash %j is a wrong call: exit code 2, and stderr says why', async (words, said) => {
  const { io, out, err } = recorder();
  expect(await runCli(words, io)).toBe(2);
  expect(out).toEqual([]);
  expect(err.join('')).toContain(said);
});

test('an error of the API is one line and a hint, with exit code 1', async () => {
  const { io, err } = recorder();
  expect(await runCli(['list'], io)).toBe(1);
  expect(err.join('')).toBe(
    'squash: Cannot reach squashd at http://localhost:1: connection refused\nhint: Start the daemon with script/squashd, or set SQUASH_API\n',
  );
});

test('a malformed setting is an error, but no reason to withhold help', async () => {
  const { io, err } = recorder();
  const broken = { ...io, env: { SQUASH_PORT: 'abc' } };
  expect(await runCli(['list', '--help'], broken)).toBe(0);
  expect(await runCli(['list'], broken)).toBe(1);
  expect(err.join('')).toContain('SQUASH_PORT "abc" must be a whole number');
});

test('the bash completion is bash, and completes commands, flags and shells', () => {
  const script = `${completionScript(program(), 'bash')}
    complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _squash; echo "\${COMPREPLY[*]}"; }
    squash() { echo dev ci-7; }
    complete_line squash he; complete_line squash sq-mkmod from-dir --; complete_line squash exec c; complete_line squash sq-ctl destroy d
    complete_line squash info dev --; complete_line squash info dev d; complete_line squash exec dev --w; complete_line squash exec dev ls --w`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'health',
    '--json --replace --root-owned',
    'ci-7',
    'dev',
    '--json',
    '',
    '--workdir',
    '',
    '',
  ]);
});

test('the fish completion names every command', () => {
  const script = completionScript(program(), 'fish');
  for (const [name] of PATHS.filter((path) => path.length === 1 && path[0] !== '__ids'))
    expect(script).toMatch(new RegExp(` -a ${name}$`, 'm'));
});
