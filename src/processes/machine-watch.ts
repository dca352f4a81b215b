import { SandboxError } from '../domain/errors.ts';
import { settlesWithin } from '../lib/deadline.ts';
import type { Log } from '../lib/log.ts';
import type { ExecOptions, ExecRequest, ExitReport, Machine, MachineProcess } from '../runtime/runtime.ts';

// The agent's silence and the word that PID 1 is gone come by two ways.
export const NEWS_OF_DEATH_MS = 100;
// 128 and SIGKILL, as a shell says it.
const KILLED = 137;

/**
 * What has to be known about a machine to tell why one of its commands died: which kills came from us, and which from the OOM killer.
 * One of these lives as long as a machine does.
 */
export class MachineWatch {
  readonly machine: Machine;
  readonly #log: Log;
  /** OOM kills that a command has answered for. */
  #claimedOomKills: number;
  #escalations = 0;
  // The runtime refuses a second operation on a machine while the first one runs.
  #asking: Promise<unknown> = Promise.resolve();
  #gone = false;
  #ending = false;

  private constructor(machine: Machine, log: Log, claimedOomKills: number) {
    this.machine = machine;
    this.#log = log;
    this.#claimedOomKills = claimedOomKills;
    const leave = () => {
      this.#gone = true;
    };
    machine.exited.then(leave, leave);
  }

  static ofStarted(machine: Machine, log: Log): MachineWatch {
    return new MachineWatch(machine, log, 0);
  }

  /** What the OOM killer did in the time of an earlier daemon is nobody's any more. */
  static async ofAdopted(machine: Machine, log: Log): Promise<MachineWatch> {
    const { oomKills } = await machine.stats();
    return new MachineWatch(machine, log, oomKills);
  }

  /** How often other commands were hit because a tree could not be told from theirs. */
  get escalations(): number {
    return this.#escalations;
  }

  /** We are about to end the machine: what dies from now on dies of that. It may take the kernel a while to be through with all of it. */
  expectEnd(): void {
    this.#ending = true;
  }

  /** Whether a command that was killed just now went with its whole machine; waits a moment for the news. */
  async isEnding(): Promise<boolean> {
    return this.#ending || settlesWithin(this.machine.exited, NEWS_OF_DEATH_MS);
  }

  /** Whether PID 1 is known to be gone. */
  get isGone(): boolean {
    return this.#gone;
  }

  /**
   * Starts a command. Its first instructions may end its supervisor before that has said that it runs: nothing of such a command is left.
   *
   * @throws what `Machine.exec` throws
   */
  async exec(request: ExecRequest, options: ExecOptions): Promise<MachineProcess> {
    try {
      return await this.machine.exec(request, options);
    } catch (error) {
      const isSilent = error instanceof SandboxError && error.code === 'AGENT_FAILED';
      if (isSilent && !(await settlesWithin(this.machine.exited, NEWS_OF_DEATH_MS))) await this.killTree(undefined);
      throw error;
    }
  }

  /**
   * Ends what is left of a tree from outside. Never rejects: a machine that is gone has no trees, and all else is logged.
   *
   * @param process undefined when the command's supervisor never said who it is
   */
  async killTree(process: MachineProcess | undefined): Promise<void> {
    await this.#ask(async () => {
      const { escalated } = await this.machine.killTree(process?.supervisorPid);
      if (escalated) this.#escalations++;
    });
  }

  /** Resolves when no kill is under way: only then is it known whom it hit. */
  async quiet(): Promise<void> {
    await this.#asking;
  }

  /**
   * Whether the OOM killer took a part of this command. Each of its kills is laid at one door only, so that a `kill -9` in one command
   * is not taken for the fate of another. A shell whose child was killed ends with 137 itself: the agent does not see that kill, nor reap the child.
   */
  async claimOomKill(report: ExitReport): Promise<boolean> {
    const kills = Math.max(report.strangerKills, report.exitCode === KILLED ? 1 : 0);
    if (kills === 0) return false;
    let unclaimed = 0;
    await this.#ask(async () => {
      const { oomKills } = await this.machine.stats();
      unclaimed = Math.max(0, oomKills - this.#claimedOomKills);
      this.#claimedOomKills += Math.min(unclaimed, kills);
    });
    return unclaimed > 0;
  }

  async #ask(work: () => Promise<void>): Promise<void> {
    const mine = this.#asking.then(async () => {
      if (this.#gone) return;
      try {
        await work();
      } catch (error) {
        if (!this.#gone) this.#log.error({ err: error, label: this.machine.label }, 'Cannot look after a command');
      }
    });
    this.#asking = mine;
    await mine;
  }
}
