import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT, type ProjectFile, readProjectFiles } from '../support/project-files.ts';

const documents = readProjectFiles(/\.md$/);

/** The anchor that a heading gets: lower case, no punctuation, - for spaces. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} +(.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function deadLinks({ path, text }: ProjectFile): string[] {
  const targets = Array.from(
    text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/\]\(([^)\s]+)\)/g),
    ([, target = '']) => target,
  );
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const linked = join(dirname(path), file || path.slice(path.lastIndexOf('/') + 1));
      if (!existsSync(join(PROJECT_ROOT, linked))) return true;
      if (anchor === undefined || !linked.endsWith('.md')) return false;
      return !anchorsOf(readProjectFiles(/\.md$/).find((document) => document.path === linked)?.text ?? '').has(anchor);
    })
    .map((target) => `${path}: ${target}`);
}

test('every link of a document leads somewhere', () => {
  expect(documents.length).toBeGreaterThan(2);
  expect(documents.flatMap(deadLinks)).toEqual([]);
});

test('a planted dead link is found, a good one is not', () => {
  const text = '# A\n[x](nowhere.md) [y](glossary.md#glossary) [z](glossary.md#gone) [w](https://example.com)';
  expect(deadLinks({ path: 'docs/planted.md', text })).toEqual([
    'docs/planted.md: nowhere.md',
    'docs/planted.md: glossary.md#gone',
  ]);
});
