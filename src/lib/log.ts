/** What the features need of a logger; pino's has it. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing, for tests. */
export const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };
