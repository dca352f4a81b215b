/** One entry of APT's sources, as deb822 fields: name → value, names as sources.list(5) spells them, continuation lines kept. */
export type AptSource = ReadonlyMap<string, string>;

/** Options of the one-line style whose deb822 name is not just capitalised. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  arch: 'Architectures',
  lang: 'Languages',
  target: 'Targets',
  pdiffs: 'PDiffs',
  'by-hash': 'By-Hash',
};

/** Entries of a `.sources` file. @returns also the disabled ones and those of other types */
export function parseDeb822(text: string): AptSource[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((paragraph) => parseParagraph(paragraph))
    .filter((source) => source.size > 0);
}

function parseParagraph(paragraph: string): AptSource {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/.exec(line);
    if (match !== null) {
      last = capitalised(match[1] ?? '');
      fields.set(last, (match[2] ?? '').trimEnd());
    } else if (last !== undefined && /^[ \t]+\S/.test(line)) fields.set(last, `${fields.get(last)}\n${line.trimEnd()}`);
  }
  return fields;
}

/** Entries of a `.list` file: `deb [option=value …] uri suite component…`. */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) return [];
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match;
    const fields = new Map([
      ['Types', type],
      ['URIs', uri],
      ['Suites', suite],
      ['Components', components.trim().replaceAll(/\s+/g, ' ')],
    ]);
    for (const option of options.trim().split(/\s+/)) {
      const equals = option.indexOf('=');
      if (equals < 1) continue;
      const name = option.slice(0, equals).toLowerCase();
      fields.set(OPTION_NAMES[name] ?? capitalised(name), option.slice(equals + 1).replaceAll(',', ' '));
    }
    return [fields];
  });
}

/** Words of a field that holds a list. */
export function wordsOf(source: AptSource, field: string): string[] {
  return (source.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The text of a `.sources` file. */
export function formatDeb822(sources: readonly AptSource[]): string {
  return sources.map((source) => [...source].map(([name, value]) => `${name}: ${value}\n`).join('')).join('\n');
}

function capitalised(name: string): string {
  if (name.toLowerCase() === 'uris') return 'URIs';
  if (name.toLowerCase() === 'pdiffs') return 'PDiffs';
  return name
    .toLowerCase()
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('-');
}
