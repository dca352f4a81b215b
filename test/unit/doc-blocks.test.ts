import { expect, test } from 'vitest';
import { extractBlocks } from '../support/doc-blocks.ts';

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

test('extractBlocks() reads language, marks, code and line of every block, with shorter fences inside it', () => {
  expect(extractBlocks(DOCUMENT)).toEqual([
    { language: 'sh', marks: ['run'], code: 'echo one\n', line: 2 },
    { language: 'sh', marks: [], code: 'rm -rf /\n', line: 5 },
    { language: 'json', marks: [], code: '{"a": "~~~"}\n', line: 8 },
    { language: 'sh', marks: ['run'], code: 'cat <<END\n```\nEND\n', line: 11 },
  ]);
});

test('extractBlocks() refuses a block without an end', () => {
  expect(() => extractBlocks('text\n```sh\nx')).toThrow('line 2');
});
