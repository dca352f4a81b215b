import { defineConfig } from 'vitest/config';

// One project per level of docs/testing.md; `script/test` names the projects that it runs.
// The root-only levels share kernel resources (loop devices, cgroups), so their files run one at a time.
const oneAtATime = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'] } },
      { test: { name: 'integration', include: ['test/integration/**/*.itest.ts'], ...oneAtATime } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.e2e.ts'], ...oneAtATime } },
      { test: { name: 'security', include: ['test/security/**/*.itest.ts'], ...oneAtATime } },
    ],
  },
});
