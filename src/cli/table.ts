import { printable } from './printable.ts';

export interface Column {
  readonly title: string;
  /** Numbers end under each other. @default {'left'} */
  readonly align?: 'left' | 'right';
  /** Narrowest width when the table is too wide; absent: never cut. */
  readonly minWidth?: number;
}

const GAP = '  ';
/** Width of a line where nobody says otherwise. */
export const DEFAULT_WIDTH = 80;

/** Lines of a table that is at most `width` wide: the widest columns that may be cut are, with "…". */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = DEFAULT_WIDTH,
): string[] {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => lengthOf(row[index] ?? ''))));
  shrink(widths, columns, width);
  return cells.map((row) =>
    columns
      .map((column, index) => fitted(row[index] ?? '', { width: widths[index] ?? 0, align: column.align ?? 'left' }))
      .join(GAP)
      .trimEnd(),
  );
}

function shrink(widths: number[], columns: readonly Column[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  while (excess > 0) {
    let widest: number | undefined;
    for (const [index, column] of columns.entries())
      if (column.minWidth !== undefined && (widths[index] ?? 0) > Math.max(column.minWidth, widths[widest ?? -1] ?? 0))
        widest = index;
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

function fitted(text: string, cell: { width: number; align: 'left' | 'right' }): string {
  const points = [...text];
  const shown = points.length > cell.width ? `${points.slice(0, cell.width - 1).join('')}…` : text;
  const space = ' '.repeat(Math.max(0, cell.width - lengthOf(shown)));
  return cell.align === 'right' ? space + shown : shown + space;
}

function lengthOf(text: string): number {
  return [...text].length;
}
