import { expect, test } from 'vitest';
import { readProjectFiles } from '../support/project-files.ts';
import { findWrongImports, importsOf } from './import-direction.ts';

// A test may reach for a fake or a driver.
const sources = readProjectFiles(/^src\/.*(?<!\.test)\.ts$/);

test('every import of src/ follows the direction of ARCHITECTURE.md', () => {
  expect(findWrongImports(sources)).toEqual([]);
});

test('the check sees the project, imports and all', () => {
  expect(sources.length).toBeGreaterThan(60);
  expect(sources.flatMap(importsOf).length).toBeGreaterThan(100);
});

test.each([
  ['src/domain/ids.ts', "import { x } from '../sandboxes/types.ts';"],
  ['src/lib/scope.ts', "import '../domain/ids.ts';"],
  ['src/sandboxes/create.ts', "const { NamespaceRuntime } = await import('../runtime/namespace/runtime.ts');"],
  ['src/api/server.ts', "import {\n  type MemoryRuntime,\n} from '../runtime/memory/memory-runtime.ts';"],
  ['src/runtime/memory/memory-runtime.ts', "export * from '../../layers/layers.ts';"],
  ['src/client/client.ts', "import { x } from '../cli/x.ts';"],
  ['src/cli/main.ts', "import { x } from '../../test/support/x.ts';"],
  ['src/stray.ts', ''],
])('a planted violation in %s is found', (path, text) => {
  expect(findWrongImports([{ path, text }])).toHaveLength(1);
});

test('what the direction allows is not reported', () => {
  const text =
    "import { a } from '../runtime/runtime.ts';\nimport { b } from './b.ts';\n// from '../api/x.ts'\nimport 'node:fs';";
  expect(findWrongImports([{ path: 'src/sandboxes/create.ts', text }])).toEqual([]);
});
