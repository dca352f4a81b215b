import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Commands whose first word is the id of a sandbox. */
const WITH_ID = [
  'exec',
  'shell',
  'info',
  'logs',
  'destroy',
  'activate',
  'snapshot',
  'restore',
  'snapshots',
  'fork',
  'promote',
];

interface Words {
  /** Words of each command by its path; the empty path is the program's own. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
}

/** A script that makes a shell complete commands, flags and ids of sandboxes. It is data from the commands themselves. */
export function completionScript(program: Command, shell: Shell): string {
  const words = { byPath: new Map(collect(program, '')) };
  if (shell === 'fish') return fishScript(words);
  return `${candidates(words)}${shell === 'bash' ? BASH : ZSH}`;
}

function collect(command: Command, path: string): [string, readonly string[]][] {
  const children = command.commands.filter((child) => !child.name().startsWith('_'));
  const flags = command.options.flatMap((option) => (option.long ? [option.long] : []));
  const own: [string, readonly string[]] = [path, [...children.map((child) => child.name()), ...flags]];
  return [own, ...children.flatMap((child) => collect(child, `${path} ${child.name()}`.trim()))];
}

/**
 * What may come next after these words of the line, in what bash and zsh have in common; zsh has a use of its own for names such as
 * `path` and `words`. Behind the id of `exec` there may be more flags, and behind its first word nothing is ours.
 */
function candidates({ byPath }: Words): string {
  const cases = [...byPath].map(([path, words]) => `    '${path}') printf '%s\n' ${words.join(' ')} ;;`);
  return `_squash_words() {
  case $1 in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
_squash_candidates() {
  local call='' word operands=0
  for word in "$@"; do
    case $word in -*) continue ;; esac
    if [ "$operands" = 0 ] && _squash_words "\${call:+$call }$word" >/dev/null; then
      call="\${call:+$call }$word"
    else
      operands=$((operands + 1))
    fi
  done
  case "$operands $call" in
    ${WITH_ID.flatMap((name) => [`'0 ${name}'`, `'0 sq-ctl ${name}'`]).join('|')}) squash __ids 2>/dev/null ;;
    [01]' '*) ;;
    *' exec') return ;;
  esac
  _squash_words "$call"
}
`;
}

const BASH = `_squash() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(compgen -W "$(_squash_candidates "\${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "$current"))
}
complete -o default -F _squash squash
`;

const ZSH = `_squash() {
  compadd -- $(_squash_candidates "\${(@)words[2,CURRENT-1]}") || _files
}
(( $+functions[compdef] )) || { autoload -U compinit && compinit }
compdef _squash squash
`;

function fishScript({ byPath }: Words): string {
  const lines = [...byPath].flatMap(([path, words]) => {
    const seen = path.split(' ').filter(Boolean);
    const condition =
      seen.length === 0
        ? '__fish_use_subcommand'
        : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c squash -n '${condition}' -l ${word.slice(2)}`
        : `complete -c squash -f -n '${condition}' -a ${word}`,
    );
  });
  const ids = `complete -c squash -f -n '__fish_seen_subcommand_from ${WITH_ID.join(' ')}' -a '(squash __ids 2>/dev/null)'`;
  return `${[...lines, ids].join('\n')}\n`;
}
