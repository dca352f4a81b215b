import type { Digest, SandboxLabel, UpperId } from '../domain/ids.ts';
import type { UpperKind } from '../domain/upper-kind.ts';

/** Bounds of one sandbox, in force before its first instruction. */
export interface Limits {
  /** Cores; fractions allowed. */
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly pidsMax: number;
}

/** What the root file system of a machine is made of. */
export interface Stack {
  /** Attached layers, top first, as overlayfs orders lowerdirs; 1 to 128. */
  readonly layers: readonly Digest[];
  readonly upper: UpperId;
}

/** Everything that a machine is started from; every part was checked and acquired before. */
export interface MachineSpec extends Stack {
  readonly label: SandboxLabel;
  /** At most 64 characters (HOST_NAME_MAX). */
  readonly hostname: string;
  readonly limits: Limits;
  readonly nesting: boolean;
  /** /etc/hostname, /etc/hosts and /etc/resolv.conf: written when the upper is empty, left as the layers have them, or written in any case. */
  readonly etc: 'fresh' | 'keep' | 'write';
}

export interface ExecRequest {
  /** At least one word; the program is looked up in the PATH of `env`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly workdir: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** A terminal instead of three pipes; everything then comes as stdout. */
  readonly pty?: { readonly rows: number; readonly columns: number };
  /** Whether the command has a stdin to be written to; else it reads end of file. */
  readonly stdin: boolean;
  /** Bytes of each stream to forward; the rest is counted and dropped. 0 = no limit. */
  readonly forwardLimitBytes: number;
}

export interface ExitReport {
  /** 128+n for a signal. */
  readonly exitCode: number;
  /** Number of the signal that ended it, or 0. */
  readonly signal: number;
  /** Members of the command's tree that something else than the agent killed with SIGKILL: the OOM killer, or the sandbox's own root. */
  readonly strangerKills: number;
  /** False: members of the tree were still alive when the agent gave up on them. */
  readonly treeEmpty: boolean;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export type OutputStream = 'stdout' | 'stderr';

/** A command that runs in a machine. Disposing it, or losing it, kills its whole tree. */
export interface MachineProcess extends AsyncDisposable {
  /** Pid of the supervisor as the sandbox numbers it: a claim of the agent, only good for `killTree`. */
  readonly supervisorPid: number;
  /** Settles once the tree is gone and the output was handed over; rejects with AGENT_FAILED when the agent went away. */
  readonly exited: Promise<ExitReport>;
  /** Resolves when the bytes were taken; backpressure is the command's. An empty buffer ends the input. */
  write(data: Uint8Array): Promise<void>;
  resize(size: { readonly rows: number; readonly columns: number }): void;
  signal(signal: number): void;
  /** Asks the agent to kill the whole tree; `exited` tells whether it is gone. */
  kill(): void;
  /** Stops and goes on with reading output: backpressure towards the command. */
  pause(): void;
  resume(): void;
}

export interface ExecOptions {
  /** Called for each piece of output, in order within a stream. */
  readonly onOutput: (stream: OutputStream, data: Buffer) => void;
}

export interface FileInfo {
  readonly kind: 'file' | 'folder';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** Content of a file, or a tar of a folder. */
export interface FileRead {
  readonly info: FileInfo;
  readonly content: AsyncIterable<Buffer>;
}

export interface MachineStats {
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  /** Processes that the OOM killer ended since the machine was started. */
  readonly oomKills: number;
  readonly pids: number;
  readonly cpuMicros: number;
}

export interface RestackOptions {
  /**
   * Gives `/` the mode, owner and time that it has in the topmost layer: the root folder of an overlay is the upper's alone.
   *
   * @default false
   */
  readonly takeRoot?: boolean;
}

/** How many files of a capture had something that an image cannot hold, by what it was. */
export interface Losses {
  /** Sockets, which are left out. */
  readonly sockets: number;
  /** POSIX access control lists. */
  readonly accessLists: number;
  /** Times with a fraction of a second: the fraction is cut. */
  readonly subsecondTimes: number;
  /** Times outside 1970 to 2106, moved to the nearer end. */
  readonly times: number;
  /** Extended attributes other than `user.*` and file capabilities. */
  readonly attributes: number;
}

export interface CaptureOptions {
  /** The upper that the machine has; or a clone of it, which no machine has. */
  readonly upper: UpperId;
  /** What is packed: the machine's upper, while it stands still; a clone; or the layers alone. */
  readonly of: 'upper' | 'clone' | 'layers';
  /** Attached layers right below the upper that are captured with it, as one; top first, may be none. */
  readonly layers: readonly Digest[];
  readonly timeoutSeconds: number;
}

/** What an upper held at one moment, in the store. */
export interface Capture {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** How long the sandbox stood still for it. */
  readonly pauseMs: number;
  readonly lost: Losses;
}

/** A running sandbox as its driver knows it. It outlives the daemon: dropping the object stops nothing. */
export interface Machine {
  readonly label: SandboxLabel;
  /** Settles when PID 1 is gone, whatever the reason. */
  readonly exited: Promise<void>;
  /** @throws INVALID_ARGUMENT when the workdir or the program does not exist as asked; AGENT_FAILED */
  exec(request: ExecRequest, options: ExecOptions): Promise<MachineProcess>;
  /**
   * Ends what is left of a command's tree, by force and from outside: nothing inside can prevent it.
   * Other commands are spared unless the tree cannot be told from them. @returns whether they were not spared.
   * @param supervisorPid undefined when it never said who it is: then what no working supervisor answers for is ended
   */
  killTree(supervisorPid: number | undefined): Promise<{ readonly escalated: boolean }>;
  /** @throws FILE_NOT_FOUND, INVALID_ARGUMENT, AGENT_FAILED */
  readFile(path: string): Promise<FileRead>;
  /** Atomic: the old content or the new, never a part. */
  writeFile(path: string, content: AsyncIterable<Uint8Array>, options: { mode: number }): Promise<void>;
  /** Unpacks a tar below a folder, which is made when missing. */
  writeTar(path: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  stats(): Promise<MachineStats>;
  /**
   * Gives the running machine another root file system, whatever its size; PID 1, /proc, /dev and /sys go on. All or nothing.
   *
   * @throws SANDBOX_BUSY while something inside uses a file of the old one, START_FAILED naming the step, LAYER_NOT_FOUND
   */
  restack(stack: Stack, options?: RestackOptions): Promise<void>;
  /**
   * Packs what the upper holds into the store, at one point in time. Equal content gives equal bytes.
   *
   * @throws CAPTURE_IMPOSSIBLE naming the file that an image cannot hold, NO_SPACE, DEADLINE_EXCEEDED
   */
  capture(options: CaptureOptions): Promise<Capture>;
  /** Ends every process and gives back everything but the upper and the layers. Idempotent. */
  stop(): Promise<void>;
}

export interface UpperOptions {
  readonly kind: UpperKind;
  readonly sizeBytes: number;
  /** Free space that must stay on the host, else NO_SPACE. */
  readonly reserveBytes: number;
  /** Do not allocate the whole image at once: a full host then loses writes. */
  readonly sparse: boolean;
}

export interface PublishOptions {
  readonly digest: Digest;
  readonly replace: boolean;
  readonly isStored: boolean;
}

export interface RuntimeStatus {
  /** False: `start` cannot work here, and `reason` says why. */
  readonly usable: boolean;
  readonly reason?: string;
}

/** What a crashed daemon may have left behind. */
export interface RuntimeInventory {
  readonly machines: readonly SandboxLabel[];
  readonly uppers: readonly UpperId[];
  readonly layers: readonly Digest[];
}

/**
 * The port that isolates. Every operation is idempotent in the sense of `native/PROTOCOL.md`
 * and either done or undone when it returns. All throw BROKER_GONE when the privileged side is away.
 */
export interface Runtime extends AsyncDisposable {
  /** The wire's name of the backend (contract §5). */
  readonly backend: string;
  /** Settles when the privileged side is gone: from then on everything throws BROKER_GONE. */
  readonly lost: Promise<void>;
  probe(): Promise<RuntimeStatus>;
  /** Tells whoever supervises the daemon that it serves: a death before this counts as a failed start. */
  ready(): Promise<void>;
  /**
   * Moves `staging/<staged>.squashfs` and its sidecar into the store; `isStored`: the bytes are there, and the sidecar alone is staged.
   *
   * @throws LAYER_EXISTS, LAYER_DAMAGED
   */
  publishLayer(staged: string, name: string, options: PublishOptions): Promise<void>;
  /** Verifies the layer and mounts it; once per host, whoever uses it. @throws LAYER_NOT_FOUND, LAYER_DAMAGED */
  attachLayer(digest: Digest): Promise<void>;
  detachLayer(digest: Digest): Promise<void>;
  /** Removes a layer's bytes from the store, unless a name points to them or they are mounted. Idempotent. @returns whether they are gone */
  removeLayer(digest: Digest): Promise<boolean>;
  /** @throws NO_SPACE */
  makeUpper(id: UpperId, options: UpperOptions): Promise<void>;
  /** Makes an upper usable again after a reboot. @throws START_FAILED when its data is gone */
  attachUpper(id: UpperId): Promise<void>;
  /** Idempotent. @throws START_FAILED as long as a machine has it */
  dropUpper(id: UpperId): Promise<void>;
  /**
   * Copies an upper as it is at one moment, whatever its size: `label` names the machine that has it, if one has. The copy is attached.
   * Uppers of kind `btrfs` only.
   */
  cloneUpper(from: UpperId, to: UpperId, label: SandboxLabel): Promise<{ readonly pauseMs: number }>;
  upperUsage(id: UpperId): Promise<{ readonly usedBytes: number; readonly limitBytes: number }>;
  /** @throws START_FAILED naming the step, LAYER_NOT_FOUND, NO_SPACE */
  start(spec: MachineSpec): Promise<Machine>;
  /** The machine of this label if its PID 1 still runs. */
  adopt(label: SandboxLabel): Promise<Machine | undefined>;
  /** Ends a machine that nobody knows. Idempotent. */
  stopMachine(label: SandboxLabel): Promise<void>;
  inventory(): Promise<RuntimeInventory>;
}
