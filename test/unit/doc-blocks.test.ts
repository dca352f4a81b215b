import { expect, test } from 'vitest';
import { extractBlocks, runnableBlocks } from '../support/doc-blocks.ts';

const DOCUMENT = `# A
\`\`\`sh run
echo one
\`\`\`
\`\`\`sh
rm -rf /
\`\`\`
~~~~json
{"a": "~~~"}
~~~~
\`\`\`\`sh run
cat <<END
\`\`\`
END
\`\`\`\`
`;

test('extractBlocks() reads language, marks, code and line of every block', () => {
  expect(extractBlocks(DOCUMENT).slice(0, 3)).toEqual([
    { language: 'sh', marks: ['run'], code: 'echo one\n', line: 2 },
    { language: 'sh', marks: [], code: 'rm -rf /\n', line: 5 },
    { language: 'json', marks: [], code: '{"a": "~~~"}\n', line: 8 },
  ]);
});

test('runnableBlocks() gives only what is marked, with shorter fences inside it', () => {
  expect(runnableBlocks(DOCUMENT).map(({ code }) => code)).toEqual(['echo one\n', 'cat <<END\n```\nEND\n']);
});

test('extractBlocks() refuses a block without an end', () => {
  expect(() => extractBlocks('text\n```sh\nx')).toThrow('line 2');
});
