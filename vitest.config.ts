import { defineConfig } from 'vitest/config';

// One project per level of docs/testing.md; `script/test` runs them in this order.
// The levels that need root share the kernel (loop devices, cgroups), so their files run one at a time, each behind the leak gate.
const asRoot = {
  fileParallelism: false,
  setupFiles: ['test/support/leak-gate-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // What is polled for comes when the kernel gets to it, and the machine may be busy.
  expect: { poll: { timeout: 10_000 } },
};

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        test: {
          name: 'unit',
          // No file keeps state in a module that another would see: a fresh process for each doubles the time.
          pool: 'threads',
          isolate: false,
          include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts', 'script/**/*.test.ts'],
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.itest.ts'], ...asRoot } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.e2e.ts'], ...asRoot } },
      { test: { name: 'security', include: ['test/security/**/*.itest.ts'], ...asRoot } },
      { test: { name: 'docs', include: ['test/docs/**/*.e2e.ts'], ...asRoot } },
    ],
  },
});
