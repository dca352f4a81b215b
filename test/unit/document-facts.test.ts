import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractBlocks } from '../support/doc-blocks.ts';
import { PROJECT_ROOT, type ProjectFile, readProjectFiles } from '../support/project-files.ts';

const documents = readProjectFiles(/\.md$/);

function proseOf(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

/** Paths of the project that a text names in backticks: `src/app.ts`, `script/lib/setup/kernel.sh`, `test/support/leaks/`. */
function namedPaths(text: string): string[] {
  const spans = Array.from(proseOf(text).matchAll(/`([^`\s]+)`/g), ([, span = '']) => span);
  return spans.filter((span) => /^(src|native|script|test|docs|\.ci)\/[\w./-]+$/.test(span));
}

/** Programs of the project in the shell blocks of a text: script/demo. */
function namedScripts(text: string): string[] {
  const code = extractBlocks(text).filter(({ language }) => language === 'sh');
  return code.flatMap((block) => Array.from(block.code.matchAll(/(?<![\w/.])script\/[\w-]+/g), ([script]) => script));
}

function missing({ path, text }: ProjectFile): string[] {
  return [...namedPaths(text), ...namedScripts(text)]
    .filter((named) => !existsSync(join(PROJECT_ROOT, named)))
    .map((named) => `${path} names ${named}`);
}

test('every file that a document names is there', () => {
  expect(documents.flatMap(({ text }) => namedPaths(text)).length).toBeGreaterThan(60);
  expect(documents.flatMap(({ text }) => namedScripts(text)).length).toBeGreaterThan(10);
  expect(documents.flatMap(missing)).toEqual([]);
});

test('a planted file and a planted script that are not there are found', () => {
  const text = 'See `src/app.ts`, `src/gone.ts`.\n```sh\nscript/setup && script/gone --now\n```\n';
  expect(missing({ path: 'x.md', text })).toEqual(['x.md names src/gone.ts', 'x.md names script/gone']);
});

/** The last column of the glossary. */
function refusedWords(glossary: string): Set<string> {
  const rows = glossary.split('\n').filter((line) => line.startsWith('| **'));
  const words = rows.flatMap((row) => (row.split('|').at(-2) ?? '').split(','));
  return new Set(words.map((word) => word.replace(/\(.*\)/, '').trim()).filter((word) => word !== ''));
}

// Refused words that mean nothing else in this project. The others are words of their own somewhere: a Debian package, a file
// system image, a hash function, a WebSocket session, the module of the seed's wire.
const CHECKED = [
  ...['container', 'tombstone', 'checkpoint', 'backup', 'job', 'monitor', 'engine', 'provider', 'adapter'],
  ...['helper', 'proxy', 'firewall', 'acl', 'metadata'],
];

/** Names that are declared with a refused word in them, as a word: `jobQueue` and `runJob`, but not `jobless`. */
function refusedNames({ path, text }: ProjectFile, word: string): string[] {
  const names = Array.from(
    text.matchAll(/\b(?:const|let|function|class|interface|type|struct|enum|readonly|static)\s+#?(\w+)/g),
    ([, name = '']) => name,
  );
  const pattern = new RegExp(
    `(?<![A-Za-z])${word}s?(?![a-z])|(?<=[a-z0-9_])${word[0]?.toUpperCase()}${word.slice(1)}s?(?![a-z])|^${word[0]?.toUpperCase()}${word.slice(1)}s?(?![a-z])`,
  );
  return names.filter((name) => pattern.test(name)).map((name) => `${path}: ${name}`);
}

const code = readProjectFiles(/^(src|native)\/.*\.(ts|c|h)$/);
const glossary = documents.find(({ path }) => path === 'docs/glossary.md')?.text ?? '';

test.each(CHECKED)('nothing is named with the word "%s", which the glossary refuses', (word) => {
  expect(refusedWords(glossary)).toContain(word);
  expect(code.flatMap((file) => refusedNames(file, word))).toEqual([]);
});

test('the check of names sees the project, and finds planted ones', () => {
  expect(code.length).toBeGreaterThan(200);
  const text = 'const jobQueue = 1;\nfunction runJob() {}\nclass Job {}\nstruct job_list {};\nconst jobless = 2;';
  expect(refusedNames({ path: 'x', text }, 'job')).toEqual(['x: jobQueue', 'x: runJob', 'x: Job', 'x: job_list']);
});
