/** Where a long work says how far it is. */
export interface Progress {
  /** What is being done now, in a few words. */
  step(text: string): void;
}
