/** What something else took for the same in the same run. */
export interface Yardstick {
  readonly name: string;
  readonly value: number;
  /** Largest value ÷ yardstick that is good enough; absent: shown only. */
  readonly maxRatio?: number;
}

/** One number of the bench. Less is better in all of them. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Largest value that is good enough; absent: there is no such number. */
  readonly goal?: number;
  readonly yardsticks: readonly Yardstick[];
}

export interface JudgedYardstick extends Yardstick {
  readonly ratio: number;
  readonly met: boolean | null;
}

/** A line as it is saved: `met` is null where there is nothing to meet. */
export interface JudgedLine extends Line {
  readonly met: boolean | null;
  readonly yardsticks: readonly JudgedYardstick[];
}

export function judge(line: Line): JudgedLine {
  return {
    ...line,
    met: isMet(line.value, line.goal),
    yardsticks: line.yardsticks.map((yardstick) => {
      const ratio = line.value / yardstick.value;
      return { ...yardstick, ratio, met: isMet(ratio, yardstick.maxRatio) };
    }),
  };
}

/** What could not be measured is not met. */
function isMet(value: number, goal: number | undefined): boolean | null {
  return goal === undefined ? null : value <= goal;
}

/** Whether the line and all that it is compared with are within their goals. */
export function isMissed(line: JudgedLine): boolean {
  return line.met === false || line.yardsticks.some(({ met }) => met === false);
}
