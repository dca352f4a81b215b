// crun is the oracle: what it makes of the same specification is compared with a sandbox, seen from inside. Each difference is here, with its reason.
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HostileInstallation } from './support/hostile.ts';
import { COVERED, READ_ONLY, runOracle } from './support/oracle.ts';

const MEMORY_MIB = 64;
const SEE = readFileSync(join(import.meta.dirname, 'support/see.sh'), 'utf8');

/** Keys of see.sh, and why a sandbox differs there. */
const REASONS: readonly (readonly [key: RegExp, reason: string])[] = [
  [/^mount \/$/, 'an overlay, and nodev because a layer may hold device nodes; crun is given a folder'],
  [/^mount \/sys\/devices\/system\/cpu$/, 'the one part of sysfs that programs need: they count processors there'],
  [/^mount \/proc\/(sys|irq|bus|fs)$/, 'the read-only part keeps the other flags of /proc; with crun it loses them'],
  [
    /^mount \/proc\//,
    'covered by a null device and a folder of its own, with all flags; crun takes devices of the host',
  ],
  [
    /^mount \/dev\/\w+$/,
    'the broker makes the nodes as host root in the tmpfs; crun, in the user namespace, binds those of the host',
  ],
  [/^device \/dev\/(full|null|random|tty|urandom|zero)$/, "and so they belong to the sandbox's root and not to nobody"],
  [
    /^device \/dev\/pts$/,
    'mounted before the user namespace is entered; terminals belong to who opens them all the same',
  ],
  [/^device \/dev\/core$/, 'a link to /proc/kcore, which is covered'],
  [/^user\.max_user_namespaces$/, 'no user namespace inside; crun has no such switch'],
  [
    /^unprivileged ports$/,
    "the network namespace is not the sandbox's own, so CAP_NET_BIND_SERVICE counts for nothing in it",
  ],
  [/^oom_score_adj$/, 'a command goes before the agent when memory is out'],
];

type Sight = ReadonlyMap<string, string>;
let ours: Sight;
let theirs: Sight;
let installation: HostileInstallation;
const nullDevice = statSync('/dev/null');

function parse(text: string): Sight {
  const own = (key: string, value: string) => {
    const name = /^namespace (.*)$/.exec(key)?.[1];
    if (name === undefined) return value;
    return value === readlinkSync(`/proc/self/ns/${name}`) ? "the host's" : 'its own';
  };
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t', 2))
      .map(([key = '', value = '']) => [key, own(key, value)] as const),
  );
}

beforeAll(async () => {
  installation = await HostileInstallation.start();
  await installation.create('twin', { memory_mb: MEMORY_MIB });
  const openFiles = Number((await installation.exec('twin', 'ulimit -n')).stdout);
  const environment = `COVERED='${COVERED.join(' ')}'; READ_ONLY='${READ_ONLY.join(' ')}'\n`;
  const seen = await installation.exec('twin', `${environment}${SEE}`);
  expect(seen.stderr).toBe('');
  ours = parse(seen.stdout);
  theirs = parse(runOracle(['/bin/sh', '-c', SEE], { openFiles, memoryMib: MEMORY_MIB }));
});
afterAll(() => installation?.[Symbol.asyncDispose]());

test('the two agree on what matters most', () => {
  const status = (name: string) => [ours.get(`status ${name}`), theirs.get(`status ${name}`)];
  expect(status('Seccomp')).toEqual(['2', '2']);
  expect(status('NoNewPrivs')).toEqual(['0', '0']);
  for (const name of ['CapEff', 'CapPrm', 'CapBnd'])
    expect(status(name)).toEqual(['00000000a80425fb', '00000000a80425fb']);
  for (const name of ['CapInh', 'CapAmb']) expect(status(name)).toEqual(['0000000000000000', '0000000000000000']);
  for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])
    expect([ours.get(`namespace ${name}`), theirs.get(`namespace ${name}`)]).toEqual(['its own', 'its own']);
});

// crun gives the file that is its stdin to the root of its container.
test("the oracle has left the host's null device alone", () => {
  expect(statSync('/dev/null')).toMatchObject({ uid: nullDevice.uid, gid: nullDevice.gid });
});

test('a sandbox and a container of crun differ in what is listed, and in nothing else', () => {
  expect(ours.size).toBeGreaterThan(60);
  const keys = [...new Set([...ours.keys(), ...theirs.keys()])];
  const differences = keys.filter((key) => ours.get(key) !== theirs.get(key));
  const unexplained = differences.filter((key) => !REASONS.some(([pattern]) => pattern.test(key)));
  expect(unexplained.map((key) => `${key}: ${ours.get(key)} | crun: ${theirs.get(key)}`)).toEqual([]);
  const needless = REASONS.filter(([pattern]) => !differences.some((key) => pattern.test(key)));
  expect(needless).toEqual([]);
});
