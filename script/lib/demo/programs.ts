import { spawn, spawnSync } from 'node:child_process';

/** What the demo runs from: this checkout, and the programs that setup installed from it. */
export interface Places {
  readonly root: string;
  readonly bundle: string;
  readonly dataFolder: string;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; rejects with what it said when it fails. */
export async function runProgram(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Finished> {
  const [program = '', ...words] = argv;
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (status === 0) return { status, stdout, stderr };
  const said = (stderr || stdout).trim().split('\n').slice(-5).join('\n');
  throw new Error(`Cannot run ${program.split('/').at(-1)} ${words.slice(0, 4).join(' ')}: status ${status}\n${said}`);
}

/** The command-line tool, as script/squash runs it. */
export function squash(places: Places, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished> {
  return runProgram([`${places.bundle}/node`, `${places.bundle}/squash.mjs`, ...words], { env });
}

/** A hash of every file that a clone would hold, as it is in the working tree now. */
export function fingerprint(root: string): string {
  const git = (...words: string[]): string => {
    const { status, stdout, stderr } = spawnSync('git', ['-c', 'safe.directory=*', ...words], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    });
    if (status !== 0) throw new Error(`Cannot read the checkout: git ${words[0]}: ${stderr.trim()}`);
    return stdout;
  };
  const files = git('ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter(Boolean);
  const hashes = spawnSync('sha256sum', ['--', ...files], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 }).stdout;
  return spawnSync('sha256sum', { input: hashes, encoding: 'utf8' }).stdout.slice(0, 16);
}
