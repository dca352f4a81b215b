import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../support/memory-api.ts';
import { PROGRAM } from './squash-process.ts';
import { runOnTerminal, whenShown } from './terminal.ts';

const PROMPT = 'ready>';
const TAB = '\t';
const ENTER = '\r';

let api: MemoryApi;
let home: string;
beforeAll(async () => {
  api = await startMemoryApi();
  for (const id of ['dev', 'ci-7']) await createSandboxIn(api, id);
  home = mkdtempSync(join(tmpdir(), 'home-'));
  for (const folder of ['bin', 'work']) mkdirSync(join(home, folder));
  writeFileSync(join(home, 'bin/squash'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(join(home, 'bin/squash'), 0o755);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

interface Shell {
  readonly name: string;
  /** Starts it, interactive, with what stands in `$HOME/rc` instead of the user's own files. */
  readonly start: string;
  readonly prompt: string;
  /** As `squash completion --help` says it. */
  readonly load: string;
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    start: 'exec bash --rcfile "$HOME/rc" -i',
    prompt: `PS1='${PROMPT} '`,
    load: 'source <(squash completion bash)',
  },
  {
    name: 'zsh',
    start: 'ln -sf rc "$HOME/.zshrc"; exec zsh --no-globalrcs -i',
    prompt: `PROMPT='${PROMPT} '`,
    load: 'source <(squash completion zsh)',
  },
  {
    name: 'fish',
    start: 'exec fish --no-config --init-command "source $HOME/rc" --interactive',
    prompt: `function fish_prompt; echo '${PROMPT} '; end`,
    load: 'squash completion fish | source',
  },
];

/** Types a line at the prompt of a shell, and ends it once the terminal has shown that. @returns what was shown up to there */
async function type({ start, prompt }: Shell, line: string, { load, shows }: { load: string; shows: string }) {
  writeFileSync(join(home, 'rc'), `${prompt}\n${load}\n`);
  const env = {
    HOME: home,
    ZDOTDIR: home,
    XDG_RUNTIME_DIR: home,
    PATH: `${join(home, 'bin')}:${process.env.PATH}`,
    HISTFILE: '',
  };
  // An empty folder: what no script completes, shells look for among files.
  const child = runOnTerminal(`cd "$HOME/work"; ${start}`, api.url, env);
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  await whenShown(child, PROMPT);
  const shown = whenShown(child, shows);
  child.stdin.write(`${line}${ENTER}`);
  await shown;
  child.stdin.write(`exit${ENTER}`);
  child.stdin.end();
  await closed;
  return shown;
}

describe.each(SHELLS)('in $name', (shell) => {
  const { load } = shell;

  test('the script loads without a word', async () => {
    const said = join(home, 'said');
    await type(shell, 'true', { load: `${load} 2>'${said}'`, shows: PROMPT });
    expect(readFileSync(said, 'utf8')).toBe('');
  });

  test.each([
    ['a command', `squash inf${TAB}`],
    ['a command of a tool', `squash sq-c${TAB}inf${TAB}`],
  ])('%s is completed, the id of a sandbox, and a flag behind it', async (_what, words) => {
    const shown = await type(shell, `${words}ci${TAB}--js${TAB}`, { load, shows: '"state": "running"' });
    expect(shown).toContain('"id": "ci-7"');
    expect(shown).not.toContain('"id": "dev"');
  });

  test('nothing is, unless the script was loaded', async () => {
    const unknown = "unknown command 'infci--js'";
    const shown = await type(shell, `squash inf${TAB}ci${TAB}--js${TAB}`, { load: '', shows: unknown });
    expect(shown).not.toContain('"id"');
  });
});
