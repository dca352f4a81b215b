import { SandboxError } from '../../domain/errors.ts';
import type { ExecRequest } from '../../runtime/runtime.ts';
import { booleanField, field, invalidField, numberField, objectParser, parseAbsolutePath } from '../fields.ts';
import type { ExecClientMessage } from './exec-wire.ts';

// 4294967294: the last id that is not (uid_t) -1, which means "leave it".
const ID_MAX = 4_294_967_294;
const SIGNAL_MAX = 64;
const TERMINAL_MAX = 65_535;

const size = (name: string) => numberField(name, { min: 1, max: TERMINAL_MAX, whole: true });
const id = (name: string) => numberField(name, { min: 0, max: ID_MAX, whole: true, default: 0 });

const parseUser = objectParser({ uid: id('user.uid'), gid: id('user.gid') });
const parsePty = objectParser({ rows: size('pty.rows'), columns: size('pty.columns') });
const parseStart = objectParser({
  argv: field(parseArgv),
  env: field(parseEnv),
  workdir: field((value) => (value === undefined ? '/' : parseAbsolutePath('workdir', value))),
  user: field((value) => parseUser(value ?? {})),
  pty: field((value) => (value === undefined || value === null ? undefined : parsePty(value))),
  stdin: booleanField('stdin', { default: false }),
});

/** The first message of an exec WebSocket. @throws INVALID_ARGUMENT */
export function parseExecStart(text: string): ExecRequest {
  const { argv, env, workdir, user, pty, stdin } = parseStart(parseMessage(text));
  return {
    argv,
    env,
    workdir,
    ...user,
    groups: [],
    stdin,
    forwardLimitBytes: 0,
    ...(pty === undefined ? {} : { pty }),
  };
}

const parseControl = {
  resize: objectParser({ type: field(String), rows: size('rows'), columns: size('columns') }),
  signal: objectParser({
    type: field(String),
    signal: numberField('signal', { min: 1, max: SIGNAL_MAX, whole: true }),
  }),
  eof: objectParser({ type: field(String) }),
};

/** Any later text message. @throws INVALID_ARGUMENT */
export function parseExecControl(text: string): ExecClientMessage {
  const message = parseMessage(text);
  const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined;
  switch (type) {
    case 'resize':
      return { ...parseControl.resize(message), type };
    case 'signal':
      return { ...parseControl.signal(message), type };
    case 'eof':
      return { ...parseControl.eof(message), type };
    default:
      throw invalidField('type', 'resize, signal or eof');
  }
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SandboxError('INVALID_ARGUMENT', 'malformed JSON', { cause });
  }
}

function parseArgv(value: unknown): readonly string[] {
  if (value === undefined) throw new SandboxError('INVALID_ARGUMENT', 'argv required');
  const isArgv = Array.isArray(value) && value.length > 0 && value.every(isWord) && value[0] !== '';
  if (!isArgv) throw invalidField('argv', 'an array of at least one string, none with NUL');
  return value;
}

function parseEnv(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || !Object.entries(value).every(([name, text]) => /^[^=\0]+$/.test(name) && isWord(text)))
    throw invalidField('env', 'an object of strings without NUL, with names without =');
  return value as Readonly<Record<string, string>>;
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}
