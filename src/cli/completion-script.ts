import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Commands whose first word is the id of a sandbox. */
const WITH_ID = ['exec', 'shell', 'info', 'logs', 'destroy'];

interface Words {
  /** Words of each command by its path; the empty path is the program's own. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
}

/** A script that makes a shell complete commands, flags and ids of sandboxes. It is data from the commands themselves. */
export function completionScript(program: Command, shell: Shell): string {
  const words = { byPath: new Map(collect(program, '')) };
  if (shell === 'bash') return bashScript(words);
  return shell === 'zsh'
    ? `#compdef squash\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`
    : fishScript(words);
}

function collect(command: Command, path: string): [string, readonly string[]][] {
  const children = command.commands.filter((child) => !child.name().startsWith('_'));
  const flags = command.options.flatMap((option) => (option.long ? [option.long] : []));
  const own: [string, readonly string[]] = [path, [...children.map((child) => child.name()), ...flags]];
  return [own, ...children.flatMap((child) => collect(child, `${path} ${child.name()}`.trim()))];
}

function bashScript({ byPath }: Words): string {
  const cases = [...byPath].map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `_squash() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case $path in
${cases.join('\n')}
  esac
  case $path in
    ${WITH_ID.map((name) => `${name}|'sq-ctl ${name}'`).join('|')})
      words="$words $(squash __ids 2>/dev/null)" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _squash squash
`;
}

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
