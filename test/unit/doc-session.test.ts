import { expect, test } from 'vitest';
import { endsAsShown, runSession, type Step, stepsOf } from '../support/doc-session.ts';

const MARKDOWN = `\`\`\`sh run
echo one
\`\`\`
The last line says:
\`\`\`text output
one
\`\`\`
\`\`\`sh
rm -rf /
\`\`\`
\`\`\`sh run
echo two
\`\`\`
`;

const steps = (...codes: string[]): Step[] => codes.map((code) => ({ place: 'x.md:1', code, output: undefined }));
const options = { cwd: '/', env: { PATH: process.env.PATH }, cleanUp: 'echo cleaned', timeoutMs: 10_000 };

test('stepsOf() takes the runnable blocks, each with the output that follows it', () => {
  expect(stepsOf('x.md', MARKDOWN)).toEqual([
    { place: 'x.md:1', code: 'echo one\n', output: 'one\n' },
    { place: 'x.md:11', code: 'echo two\n', output: undefined },
  ]);
});

test('endsAsShown() compares the last lines, with … for anything and any width of columns', () => {
  expect(endsAsShown('noise\nID   AGE  X\ndev  12 s  (y)\n', 'ID  AGE X\ndev … (y)\n')).toBe(true);
  expect(endsAsShown('dev 12 s (y)\nmore\n', 'dev … (y)\n')).toBe(false);
  expect(endsAsShown('b\n', 'a\nb\n')).toBe(false);
  expect(endsAsShown('axb\n', 'a.b\n')).toBe(false);
});

test('runSession() keeps variables and jobs from step to step, and tells what each printed', async () => {
  const result = await runSession(steps('x=1; sleep 100 &', 'kill %1; echo "$x"', 'printf end'), options);
  expect(result).toMatchObject({ status: 0, printed: ['', '1\n', 'end'] });
  expect(result.stderr).toContain('cleaned');
});

test('runSession() ends at the first command that fails, and cleans up', async () => {
  const result = await runSession(steps('echo one', 'false | cat\necho two'), options);
  expect(result).toMatchObject({ status: 1, printed: ['one\n'] });
  expect(result.stderr).toContain('cleaned');
});
