import { expect, test } from 'vitest';
import { Scope } from './scope.ts';

test('Scope undoes in reverse order', async () => {
  const undone: number[] = [];
  {
    await using scope = new Scope();
    scope.defer(() => void undone.push(1));
    scope.use({ [Symbol.asyncDispose]: async () => void undone.push(2) });
  }
  expect(undone).toEqual([2, 1]);
});

test('Scope undoes nothing after move(), and its new owner does', async () => {
  const undone: string[] = [];
  let kept: Scope;
  {
    await using scope = new Scope();
    scope.defer(() => void undone.push('step'));
    kept = scope.move();
  }
  expect(undone).toEqual([]);
  await kept[Symbol.asyncDispose]();
  await kept[Symbol.asyncDispose]();
  expect(undone).toEqual(['step']);
});

test('Scope runs every step although one fails, and reports all failures', async () => {
  const undone: string[] = [];
  const scope = new Scope();
  scope.defer(() => void undone.push('first'));
  scope.defer(() => {
    throw new Error('no');
  });
  scope.defer(() => Promise.reject(new Error('neither')));
  const failure = await scope[Symbol.asyncDispose]().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(undone).toEqual(['first']);
  expect((failure as AggregateError).errors.map((error: Error) => error.message)).toEqual(['neither', 'no']);
});
