import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a saved number is worth nothing without. */
export interface MachineFacts {
  readonly date: string;
  readonly commit: string;
  readonly kernel: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryMiB: number;
  /** Load average of the minute before: others at work make every number worse. */
  readonly loadBefore: number;
}

export function readMachineFacts(projectRoot: string): MachineFacts {
  return {
    date: new Date().toISOString(),
    commit: commitOf(projectRoot),
    kernel: release(),
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** With `+` when the working tree differs from it. */
function commitOf(projectRoot: string): string {
  const git = (...words: string[]) => execFileSync('git', ['-C', projectRoot, ...words], { encoding: 'utf8' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+');
  } catch {
    // A copy without its history can be measured too.
    return 'unknown';
  }
}
