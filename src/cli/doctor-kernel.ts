import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Check, fault, lack, ok } from './doctor-check.ts';

// Without these Squash works, a little worse.
const USEFUL: Readonly<Record<string, string>> = {
  'swap-accounting': 'memory limits do not count swap',
  favordynmods: 'the first command after an idle time takes 5 to 13 ms longer',
};
const PROBE_TIMEOUT_MS = 30_000;
const answers = z.record(z.string(), z.unknown());

/** What the kernel can do, tried by the broker. Only root can try. */
export async function checkKernel(brokerPath: string): Promise<Check[]> {
  if (process.geteuid?.() !== 0) return [lack('kernel', 'not looked at: only root can', 'run squash doctor as root')];
  try {
    const { stdout } = await promisify(execFile)(brokerPath, ['probe', '--json'], { timeout: PROBE_TIMEOUT_MS });
    return kernelChecks(stdout);
  } catch (error) {
    return [fault('kernel', `squash-broker probe failed: ${(error as Error).message.split('\n')[0]}`, 'script/setup')];
  }
}

/** Reads the object of `"feature": true|false` that `squash-broker probe --json` prints. */
export function kernelChecks(json: string): Check[] {
  return Object.entries(answers.parse(JSON.parse(json)))
    .filter((pair): pair is [string, boolean] => typeof pair[1] === 'boolean')
    .map(([feature, has]) => {
      if (has) return ok(feature);
      const loss = USEFUL[feature];
      return loss === undefined ? fault(feature, 'this kernel cannot do it') : lack(feature, loss);
    });
}
