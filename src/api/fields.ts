import { z } from 'zod';
import { SandboxError } from '../domain/errors.ts';

/** A field whose rule and error text are one function; the function is called with undefined when the field was left out. */
export function field<T>(parse: (value: unknown) => T) {
  return z
    .unknown()
    .optional()
    .transform((value, context) => {
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof SandboxError)) throw error;
        context.issues.push({ code: 'custom', message: error.message, input: value });
        return z.NEVER;
      }
    });
}

/** A parser of an object with exactly these fields. @throws INVALID_ARGUMENT naming the field */
export function objectParser<S extends z.ZodRawShape>(
  shape: S,
): (input: unknown) => z.output<z.ZodObject<S, z.core.$strict>> {
  const schema = z.strictObject(shape);
  return (input) => {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw new SandboxError('INVALID_ARGUMENT', 'not a JSON object');
    const result = schema.safeParse(input);
    if (result.success) return result.data;
    const { issues } = result.error;
    const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
    const text = unknown === undefined ? issues[0]?.message : `unknown field: ${unknown.keys[0]}`;
    throw new SandboxError('INVALID_ARGUMENT', text ?? 'invalid request');
  };
}

export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  /** Fractions are refused. */
  readonly whole: boolean;
  /** Without one the field is required. */
  readonly default?: number;
}

/** A number, or the same number as a string: shell scripts quote everything. */
export function numberField(name: string, bounds: NumberBounds) {
  const kind = bounds.whole ? 'a whole number' : 'a number';
  return field((value) => {
    if (value === undefined && bounds.default !== undefined) return bounds.default;
    if (value === undefined) throw new SandboxError('INVALID_ARGUMENT', `${name} required`);
    const number = typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
    const fits = typeof number === 'number' && number >= bounds.min && number <= bounds.max;
    if (!fits || (bounds.whole && !Number.isInteger(number)))
      throw invalidField(name, `${kind} from ${bounds.min} to ${bounds.max}`);
    return number;
  });
}

/** Text of at most so many bytes in UTF-8. @default {''} */
export function textField(name: string, options: { readonly maxBytes: number; readonly default: string }) {
  return field((value) => {
    if (value === undefined) return options.default;
    if (typeof value !== 'string' || Buffer.byteLength(value) > options.maxBytes)
      throw invalidField(name, `a string of at most ${options.maxBytes} bytes`);
    return value;
  });
}

/** A boolean; nothing else is taken for one. */
export function booleanField(name: string, options: { readonly default: boolean }) {
  return field((value) => {
    if (value === undefined) return options.default;
    if (typeof value !== 'boolean') throw invalidField(name, 'true or false');
    return value;
  });
}

// 4095: PATH_MAX less its NUL, limits.h.
const PATH_MAX_BYTES = 4095;

/** An absolute path inside a sandbox. */
export function parseAbsolutePath(name: string, value: unknown): string {
  const isPath = typeof value === 'string' && value.startsWith('/') && !value.includes('\0');
  if (!isPath || Buffer.byteLength(value) > PATH_MAX_BYTES)
    throw invalidField(name, `an absolute path of at most ${PATH_MAX_BYTES} bytes`);
  return value;
}

/** The error of a field that is there and wrong. */
export function invalidField(name: string, wanted: string): SandboxError {
  return new SandboxError('INVALID_ARGUMENT', `invalid ${name}: ${wanted}`);
}
