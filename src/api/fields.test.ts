import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SandboxError } from '../domain/errors.ts';
import { parseCreateRequest } from './cgi/create-request.ts';
import { parseExecCall } from './cgi/exec-call.ts';
import { numberField, objectParser } from './fields.ts';
import { parseExecControl, parseExecStart } from './v1/exec-request.ts';

const DEFAULTS = ['000-base-alpine'];

test('numberField() takes a number and the same number as a string alike', () => {
  const parse = objectParser({ n: numberField('n', { min: -1000, max: 1000, whole: false, default: 0 }) });
  fc.assert(
    fc.property(fc.integer({ min: -100_000, max: 100_000 }), (thousandths) => {
      const n = thousandths / 100;
      expect(parse({ n })).toEqual({ n });
      expect(parse({ n: n.toFixed(2) })).toEqual({ n });
    }),
  );
});

test.each(['', ' 1', '1 ', '1e2', '0x1', '1.', '.5', '+1', 'NaN', 'Infinity', '1,5', '１'])(
  'numberField() refuses the string %j',
  (n) => {
    const parse = objectParser({ n: numberField('n', { min: 0, max: 1000, whole: false, default: 0 }) });
    expect(() => parse({ n })).toThrow('invalid n: a number from 0 to 1000');
  },
);

test.each([
  ['parseCreateRequest', (body: unknown) => parseCreateRequest(body, DEFAULTS)],
  ['parseExecCall', parseExecCall],
  ['parseExecStart', (body: unknown) => parseExecStart(JSON.stringify(body) ?? '')],
  ['parseExecControl', (body: unknown) => parseExecControl(JSON.stringify(body) ?? '')],
])('%s() answers anything at all with a value or one line of INVALID_ARGUMENT', (_, parse) => {
  const names = ['id', 'layers', 'cpu', 'allow_net', 'cmd', 'workdir', 'timeout', 'argv', 'env', 'pty', 'type', 'rows'];
  const object = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
  fc.assert(
    fc.property(fc.oneof(object, fc.jsonValue()), (body) => {
      try {
        parse(body);
      } catch (error) {
        expect(error).toBeInstanceOf(SandboxError);
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^[^\n]{2,600}$/) });
      }
    }),
    { numRuns: 500 },
  );
});

test('an unknown field is told before anything else that is wrong', () => {
  expect(() => parseCreateRequest({ layer: '000-x', cpu: 'x' }, DEFAULTS)).toThrow('unknown field: layer');
});

test.each([undefined, '', []])('layers %j mean the default', (layers) => {
  expect(parseCreateRequest({ id: 'dev', layers }, DEFAULTS).layers).toEqual(DEFAULTS);
});

test('layers as a string may have blanks around their names', () => {
  const request = parseCreateRequest({ id: 'dev', layers: '000-base , 100-tool' }, DEFAULTS);
  expect(request.layers).toEqual(['000-base', '100-tool']);
});

test('an empty owner, which `sq-ctl create id ""` sends, is anon', () => {
  expect(parseCreateRequest({ id: 'dev', owner: '' }, DEFAULTS).owner).toBe('anon');
});

test('allow_net that is left out is not the same as an empty one', () => {
  expect(parseCreateRequest({ id: 'dev' }, DEFAULTS).allowNet).toBeUndefined();
  expect(parseCreateRequest({ id: 'dev', allow_net: [] }, DEFAULTS).allowNet).toEqual([]);
});
