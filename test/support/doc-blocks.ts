export interface DocBlock {
  /** First word after the fence. */
  readonly language: string;
  /** The other words: ```` ```sh run ```` marks a block that a test runs. */
  readonly marks: readonly string[];
  readonly code: string;
  /** Line of the fence in its document, from 1. */
  readonly line: number;
}

/** The fenced code blocks of a Markdown text, in order. */
export function extractBlocks(markdown: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let open: { fence: string; language: string; marks: string[]; line: number; code: string[] } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (open === undefined) {
      const [, fence, info = ''] = /^(`{3,}|~{3,})([^`]*)$/.exec(text) ?? [];
      if (fence === undefined) continue;
      const [language = '', ...marks] = info.trim().split(/\s+/);
      open = { fence, language, marks, line: index + 1, code: [] };
    } else if (text.trimEnd().startsWith(open.fence) && text.trim().replaceAll(open.fence.charAt(0), '') === '') {
      const { language, marks, line, code } = open;
      blocks.push({ language, marks, line, code: code.map((codeLine) => `${codeLine}\n`).join('') });
      open = undefined;
    } else open.code.push(text);
  }
  if (open !== undefined) throw new Error(`Cannot read the block at line ${open.line}: it has no end`);
  return blocks;
}
