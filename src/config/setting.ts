/** One setting: where it is read from, how, and what its reader says about it. */
export interface Setting<T> {
  /** Name of the environment variable. */
  readonly name: string;
  /** Another name for it; setting both to different values is refused. */
  readonly alias?: string;
  /** Text that stands in when it is not set or empty; empty = there is no default. */
  readonly defaultText: string;
  /** What the number counts, or the words that are accepted. */
  readonly unit: string;
  readonly doc: string;
  /** @throws SettingProblem */
  readonly parse: (text: string) => T;
}

/** Why a text cannot be the value of a setting: the part of the message after the name and the value. */
export class SettingProblem extends Error {
  override readonly name = 'SettingProblem';
}

type About = Omit<Setting<unknown>, 'parse' | 'unit'>;

export function wholeNumber(about: About & { unit: string; min: number; max: number }): Setting<number> {
  const parse = (text: string): number => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= about.min && value <= about.max))
      throw new SettingProblem(`must be a whole number from ${about.min} to ${about.max} (${about.unit})`);
    return value;
  };
  return { ...about, parse };
}

export function oneOf<W extends string>(
  about: About & { words: readonly W[]; refused?: Record<string, string> },
): Setting<W> {
  const parse = (text: string): W => {
    const word = about.words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new SettingProblem(about.refused?.[text] ?? `must be ${about.words.map((each) => `"${each}"`).join(' or ')}`);
  };
  return { ...about, unit: about.words.map((word) => `\`${word}\``).join(', '), parse };
}

/** Set to `1`, or not set at all: a half-typed switch must not be taken for off. */
export function flag(about: About): Setting<boolean> {
  const parse = (text: string): boolean => {
    if (text !== '' && text !== '0' && text !== '1') throw new SettingProblem('must be "1", "0" or empty');
    return text === '1';
  };
  return { ...about, unit: '`1` = on', parse };
}

export function special<T>(about: About & { unit: string; parse: (text: string) => T }): Setting<T> {
  return about;
}
