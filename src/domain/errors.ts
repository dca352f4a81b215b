import { redact } from './redact.ts';

/** What went wrong, in the words of gRPC and Connect, so that one map serves every surface. */
export type ErrorKind =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'unavailable'
  | 'unimplemented'
  | 'internal';

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** Only where it differs from the status of the kind. */
  readonly httpStatus?: number;
  readonly hint?: string;
}

/** Every code that a user can meet. `docs/errors.md` is made from this table. */
export const ERRORS = {
  INVALID_ARGUMENT: { kind: 'invalid_argument' },
  BODY_TOO_LARGE: { kind: 'invalid_argument', httpStatus: 413 },
  EGRESS_RULE_UNENFORCEABLE: {
    kind: 'invalid_argument',
    hint: 'This version gives a sandbox loopback only: leave allow_net out, or pass ["none"]',
  },
  LAYER_LIBC_MISMATCH: { kind: 'invalid_argument', hint: 'Build the layer for the libc of the base' },
  LAYER_ARCH_MISMATCH: { kind: 'invalid_argument', hint: 'Build the layer for the architecture of this host' },
  TOKEN_INVALID: { kind: 'unauthenticated', hint: 'Send "Authorization: Bearer <SQUASH_AUTH_TOKEN>"' },
  ORIGIN_REFUSED: { kind: 'permission_denied' },
  HOST_REFUSED: { kind: 'permission_denied', hint: 'Name the host in SQUASH_HOSTS, or set SQUASH_AUTH_TOKEN' },
  ROUTE_NOT_FOUND: { kind: 'not_found' },
  METHOD_NOT_ALLOWED: { kind: 'invalid_argument', httpStatus: 405 },
  SANDBOX_NOT_FOUND: { kind: 'not_found', hint: 'squash list shows the sandboxes of this host' },
  LAYER_NOT_FOUND: { kind: 'not_found', hint: 'squash modules shows the layers of this host' },
  FILE_NOT_FOUND: { kind: 'not_found' },
  SNAPSHOT_NOT_FOUND: { kind: 'not_found', hint: 'squash snapshots ID shows the snapshots of a sandbox' },
  SANDBOX_EXISTS: { kind: 'already_exists', httpStatus: 409 },
  LAYER_EXISTS: {
    kind: 'already_exists',
    httpStatus: 409,
    hint: 'Pass --replace to publish other bytes under this name',
  },
  SNAPSHOT_EXISTS: { kind: 'already_exists', httpStatus: 409, hint: 'Leave the label out, and one is made' },
  SNAPSHOT_IN_USE: { kind: 'failed_precondition', httpStatus: 409 },
  LAYER_ACTIVE: { kind: 'already_exists', httpStatus: 409 },
  SANDBOX_BUSY: { kind: 'failed_precondition', httpStatus: 409 },
  CAPTURE_IMPOSSIBLE: {
    kind: 'failed_precondition',
    httpStatus: 409,
    hint: 'docs/snapshots.md says what a snapshot can hold: remove or change the file that is named, and try again',
  },
  SANDBOX_LIMIT: {
    kind: 'resource_exhausted',
    httpStatus: 503,
    hint: 'Destroy a sandbox, or raise SQUASH_MAX_SANDBOXES',
  },
  NO_SPACE: {
    kind: 'resource_exhausted',
    httpStatus: 503,
    hint: 'Free space under SQUASH_DATA, or lower SQUASH_UPPER_LIMIT_MB',
  },
  BUSY: { kind: 'resource_exhausted', httpStatus: 429 },
  DEADLINE_EXCEEDED: { kind: 'deadline_exceeded' },
  BROKER_GONE: { kind: 'unavailable', hint: 'squash-broker is being started again: try again in a few seconds' },
  RUNTIME_UNAVAILABLE: { kind: 'unavailable', hint: 'squash doctor tells what is missing on this host' },
  DAEMON_UNREACHABLE: { kind: 'unavailable', hint: 'Start the daemon with script/squashd, or set SQUASH_API' },
  SHUTTING_DOWN: { kind: 'unavailable' },
  SETTINGS_INVALID: { kind: 'invalid_argument' },
  LAYER_DAMAGED: { kind: 'internal', hint: 'Build the layer again with --replace' },
  SNAPSHOT_DAMAGED: {
    kind: 'internal',
    hint: 'The sandbox is as it was; put the file back from a copy of the state root, or delete the snapshot',
  },
  TOOL_FAILED: { kind: 'internal' },
  LAYER_BUILD_FAILED: { kind: 'failed_precondition' },
  ROOT_REQUIRED: { kind: 'permission_denied', hint: 'Run it as root, for example with sudo' },
  RECORD_DAMAGED: { kind: 'internal' },
  AGENT_FAILED: { kind: 'internal' },
  START_FAILED: { kind: 'internal' },
  INTERNAL: { kind: 'internal' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

const HTTP_STATUS: Record<ErrorKind, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  resource_exhausted: 429,
  deadline_exceeded: 504,
  unavailable: 503,
  unimplemented: 501,
  internal: 500,
};

export interface SandboxErrorOptions {
  /** Values that a program may branch on. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What to do next; stands in for the hint of the table. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the product. The message is one line, shown to users as it is:
 * `Cannot <action> <object>: <state>`, or one of the seed's own texts (contract §1) where clients grep for it.
 * Secrets are redacted and control characters are dropped here, so that no caller can forget to.
 */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly httpStatus: number;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: SandboxErrorOptions = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause });
    const entry: ErrorEntry = ERRORS[code];
    this.code = code;
    this.kind = entry.kind;
    this.httpStatus = entry.httpStatus ?? HTTP_STATUS[entry.kind];
    this.hint = options.hint ?? entry.hint;
    this.details = options.details ?? {};
  }
}
