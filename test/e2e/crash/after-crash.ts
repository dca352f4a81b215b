import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import type { Installation } from '../../support/installation.ts';
import { commandsOf, initPid, memoryLimitOf } from '../../support/sandbox-on-host.ts';
import { Journal } from './journal.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';

export interface Survivors {
  readonly ids: readonly string[];
  /** Commands that are told to have ended with their daemon. */
  readonly interruptedCount: number;
}

/** Holds what is there against what the client was told. */
export async function expectJournalKept(installation: Installation, journal: Journal): Promise<Survivors> {
  const { body } = await installation.call('GET', SANDBOXES);
  const infos = new Map((body as SandboxInfo[]).map((info) => [info.id, info]));
  for (const id of new Set(journal.operations.map((operation) => operation.id))) {
    const isThere = infos.has(id);
    const fate = journal.fateOf(id);
    if (fate !== 'either') expect({ id, isThere }).toEqual({ id, isThere: fate === 'there' });
  }
  for (const info of infos.values()) await expectWhole(installation, info);
  let interruptedCount = 0;
  for (const id of infos.keys()) interruptedCount += await expectLogKept(installation, journal, id);
  await expectNothingElse(installation, infos.size);
  return { ids: [...infos.keys()], interruptedCount };
}

/** With its limits in force, its files, and no command of an earlier daemon. */
async function expectWhole(installation: Installation, info: SandboxInfo): Promise<void> {
  const { id } = info;
  const memoryMiB = Journal.memoryOf(id);
  expect(info).toMatchObject({ state: 'running', memory_mb: memoryMiB, owner: `owner of ${id}` });
  const init = initPid(installation.runFolder, id);
  await expect.poll(() => commandsOf(init), { timeout: 2000 }).toEqual([]);
  expect(memoryLimitOf(init)).toBe(memoryMiB * 1024 * 1024);
}

/** @returns how many commands were interrupted by the end of their daemon */
async function expectLogKept(installation: Installation, journal: Journal, id: string): Promise<number> {
  const { body } = await installation.call('GET', `${SANDBOXES}/${id}/logs`);
  const results = body as ExecResult[];
  expect(results.map(({ seq }) => seq)).toEqual(results.map((_, index) => index + 1));
  for (const { kind, cmd, result, outcome, id: owner } of journal.operations) {
    if (kind !== 'exec' || owner !== id) continue;
    const logged = results.filter((each) => each.cmd === cmd);
    if (result !== undefined) expect(logged).toEqual([result]);
    if (outcome === 'refused') expect(logged).toEqual([]);
    // Nobody was told: it never began, it ended just before, or it is told to have been interrupted.
    for (const each of outcome === 'unknown' ? logged : [])
      if (each.interrupted === true) expect([-1, 137]).toContain(each.exit_code);
      else expect(each).toMatchObject({ exit_code: 0, timed_out: false });
  }
  return results.filter(({ interrupted, exit_code }) => interrupted === true && exit_code === -1).length;
}

/** On disk and in the run folder there is one of everything for each sandbox, and what is kept ready. */
async function expectNothingElse(installation: Installation, count: number): Promise<void> {
  const entries = (folder: string) => readdirSync(folder).length;
  expect(entries(join(installation.dataFolder, 'sandboxes'))).toBe(count);
  await expect.poll(() => entries(join(installation.runFolder, 'machines'))).toBe(count);
  const ready = Number(installation.env.SQUASH_READY_UPPERS);
  await expect.poll(() => entries(join(installation.dataFolder, 'uppers'))).toBe(count + ready);
}
