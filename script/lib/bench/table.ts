import type { JudgedLine } from './line.ts';

const WIDTHS = { name: 40, value: 12, goal: 12, met: 6 } as const;

/** Lines of at most 80 columns for people: each number, and under it what it was measured beside. */
export function formatTable(lines: readonly JudgedLine[]): string[] {
  return [row('', ['', 'goal', '']), ...lines.flatMap(formatLine)];
}

export function formatLine(line: JudgedLine): string[] {
  const { value, unit, goal, met } = line;
  return [
    row(line.name, [`${number(value)} ${unit}`, goal === undefined ? '' : `≤ ${goal} ${unit}`, verdict(met)]),
    ...line.yardsticks.map(({ name, value: other, ratio, maxRatio, met: isWithin }) =>
      row(`  ÷ ${name}, ${number(other)} ${unit}`, [
        `${number(ratio)} ×`,
        maxRatio === undefined ? '' : `≤ ${maxRatio} ×`,
        verdict(isWithin),
      ]),
    ),
  ];
}

function row(name: string, [value, goal, met]: readonly [string, string, string]): string {
  const cells = [value.padStart(WIDTHS.value), goal.padStart(WIDTHS.goal), met.padStart(WIDTHS.met)];
  return `${name.padEnd(WIDTHS.name)}${cells.join('')}`.trimEnd();
}

/** Three digits that count. */
function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function verdict(met: boolean | null): string {
  if (met === null) return '';
  return met ? 'yes' : 'NO';
}
