// What script/setup says on a machine that is not good enough, and that it then has changed nothing.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CheckoutCopy, copyCheckout } from '../../support/checkout-copy.ts';
import { type RunResult, run } from '../../support/run.ts';

let checkout: CheckoutCopy;
let contents: string[];
let scratch: string;

const listing = (): string[] => readdirSync(checkout.path, { recursive: true, encoding: 'utf8' }).toSorted();

beforeAll(() => {
  checkout = copyCheckout('checkout', { mode: 0o755 });
  contents = listing();
  scratch = mkdtempSync(join(tmpdir(), 'scratch-'));
  chmodSync(scratch, 0o755);
});
afterAll(() => {
  checkout[Symbol.dispose]();
  rmSync(scratch, { recursive: true });
});

/** A folder of programs to be found before the machine's own. */
function programs(name: string, scripts: Record<string, string>): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  for (const [program, body] of Object.entries(scripts)) {
    writeFileSync(join(folder, program), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, program), 0o755);
  }
  return folder;
}

function setup(options: { words?: string[]; env?: Record<string, string>; asNobody?: boolean }): RunResult {
  const become = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  return run([...(options.asNobody ? become : []), join(checkout.path, 'script/setup'), ...(options.words ?? [])], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', ...options.env },
  });
}

function answers(name: string, lines: string[]): Record<string, string> {
  const file = join(scratch, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { SQUASH_PROBE_ANSWERS: file };
}

describe('script/setup', () => {
  let result: RunResult;
  beforeEach(() => {
    return () => {
      expect(listing()).toEqual(contents);
      expect(result.stdout).toBe('');
    };
  });

  test('says without root what takes root, and which command does it', () => {
    result = setup({ asNobody: true });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('Cannot set up Squash: this takes root, and nothing was changed');
    expect(result.stderr).toContain(`As root: '${checkout.path}'/script/setup`);
    expect(result.stderr).toMatch(/programs {2}\/usr\/local\/lib\/squash\/[0-9a-f]{12} /);
  });

  test('names without root every missing Debian package in one command', () => {
    const PATH = `${programs('no-packages', { 'dpkg-query': 'exit 1' })}:/usr/bin:/bin`;
    result = setup({ asNobody: true, env: { PATH } });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(
      /Packages alone: apt-get install --no-install-recommends (?=.*\bgcc\b)(?=.*\bmmdebstrap\b)(?=.*\buidmap\b)/,
    );
  });

  test('refuses an old Node by version and place', () => {
    const folder = programs('old-node', { node: 'echo v16.20.2', npm: 'echo npm must not be called >&2; exit 9' });
    result = setup({ env: { PATH: `${folder}:/usr/sbin:/usr/bin:/bin` } });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`Node.js 16.20.2 is older than 18 (${folder}/node)`);
    expect(result.stderr).toContain('Nothing was changed');
  });

  test('plans to install Debian’s Node where there is none', () => {
    const folder = programs('no-node', { 'dpkg-query': 'exit 1' });
    for (const name of readdirSync('/usr/bin'))
      if (!/^(node|nodejs|npm|npx|dpkg-query)$/.test(name)) symlinkSync(`/usr/bin/${name}`, join(folder, name));
    result = setup({ words: ['--plan'], env: { PATH: folder } });
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(/packages {2}.*\bnodejs npm\b/);

    result = setup({ words: ['--programs'], env: { PATH: folder } });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('there is no Node.js on this machine');
  });

  test('refuses a kernel without id-mapped squashfs, and says what that costs', () => {
    result = setup({ env: answers('old-kernel', ['squashfs=yes', 'idmapped-squashfs=no']) });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('Kernel: no idmapped-squashfs: the files of a layer would belong to nobody');
    expect(result.stderr).toMatch(
      /Cannot set up Squash on Linux \S+: it lacks what is named above\n {2}Nothing was changed/,
    );
  });

  test('only mentions what is useful and missing', () => {
    result = setup({ words: ['--plan'], env: answers('fair-kernel', ['squashfs=yes', 'swap-accounting=no']) });
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('Kernel: no swap-accounting: memory limits do not count swap');
  });

  test.each([[['--nonsense']], [['--packages']], [['--test', 'x']]])('explains itself when called with %j', (words) => {
    result = setup({ words });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('Usage: script/setup');
  });
});
