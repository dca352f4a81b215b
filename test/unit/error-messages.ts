import type { ProjectFile } from '../support/project-files.ts';

// What went wrong while something was done; the first half may be put in by whoever knows what that was.
const OPERATION = /^(Cannot ([a-z]+ [^:]+|…)|…): .*[^.\s]$/;

// Why a request was refused as it stands, in the lower case of the texts that clients grep for (`id required`, `not found: x`).
const REFUSAL = /^[a-z…].*[^.\s]$|^…$/;
const EDGES = /^src\/(api|config|domain)\//;

// Refusals that only the inside can decide; their texts are interface.
const FIXED = [
  /^(module )?not found: /,
  /^broker gone$/,
  /^invalid path "…": /,
  /^already exists$/,
  /^sandbox limit reached \(…\)$/,
  /^exists: …$/,
  /^already active: …$/,
  /^commands are running$/,
  /^no space for a (writable layer|snapshot)$/,
  /^cannot enforce egress rule …$/,
];

const CONTRACTIONS = /\b(can|won|don|isn|aren|doesn|couldn)'t\b/i;

export interface Message {
  readonly path: string;
  /** With `…` for each value put in. */
  readonly text: string;
}

/** The literal messages of `new SandboxError(CODE, message…)`; a message that is built elsewhere is not seen. */
export function messagesOf({ path, text }: ProjectFile): Message[] {
  const literal =
    /new SandboxError\(\s*(?:'[A-Z_]+'|[\w.]+),\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;
  return Array.from(text.matchAll(literal), ([, quoted = '']) => ({
    path,
    text: withoutValues(quoted.slice(1, -1)).replace(/\\(.)/g, '$1'),
  }));
}

/** Replaces `${…}` by `…`; values may hold braces and templates themselves. */
function withoutValues(template: string): string {
  let result = '';
  let depth = 0;
  for (let index = 0; index < template.length; index++) {
    if (template.startsWith('${', index)) {
      if (depth === 0) result += '…';
      depth++;
      index++;
    } else if (depth > 0) depth += template[index] === '{' ? 1 : template[index] === '}' ? -1 : 0;
    else result += template[index];
  }
  return result;
}

export function isWellFormed({ path, text }: Message): boolean {
  if (CONTRACTIONS.test(text)) return false;
  const allowed = EDGES.test(path) ? [OPERATION, REFUSAL] : [OPERATION, ...FIXED];
  return allowed.some((pattern) => pattern.test(text));
}
