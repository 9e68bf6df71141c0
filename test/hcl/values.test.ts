import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BOOL,
  boolValue,
  compareTexts,
  convert,
  DYNAMIC,
  divide,
  equalValues,
  formatNumber,
  fromJsonText,
  type HclNumber,
  listOf,
  listType,
  mapType,
  multiply,
  NUMBER,
  negate,
  nullOf,
  numberFromFloat,
  numberFromInt,
  numberText,
  numberValue,
  objectOf,
  objectType,
  parseNumber,
  STRING,
  setOf,
  setType,
  type Type,
  textValue,
  toFloat,
  toJsonText,
  tupleOf,
  tupleType,
  typeName,
  typeText,
  unify,
  type Value,
} from '../../lib/hcl/mod.ts';

function number(text: string): HclNumber {
  const parsed = parseNumber(text);
  assert.ok(parsed, text);
  return parsed;
}

function converted(value: Value, type: Type): string {
  const result = convert(value, type);
  return result.ok ? `${typeText(result.value.type)} ${toJsonText(result.value)}` : result.message;
}

test('decimal numbers are read as Go reads them', () => {
  const texts: readonly [string, string | undefined][] = [
    ['12', '12'],
    ['-1.50', '-1.5'],
    ['+7', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1e3', '1000'],
    ['1E-3', '0.001'],
    ['1p3', '8'],
    ['-0', '-0'],
    ['inf', '+Inf'],
    ['-Inf', '-Inf'],
    ['0.1', '0.1'],
    ['123456789012345678901234567890.5', '123456789012345678901234567890.5'],
    ['', undefined],
    ['.', undefined],
    ['1_000', undefined],
    ['0x10', undefined],
    [' 1', undefined],
    ['1e', undefined],
    ['Infinity', undefined],
    ['NaN', undefined],
    ['1e999999999', undefined],
    ['9'.repeat(30_000), undefined],
  ];
  for (const [text, shown] of texts) {
    const parsed = parseNumber(text);
    assert.equal(parsed === undefined ? undefined : numberText(parsed), shown, text.slice(0, 20));
  }
});

test('numbers have as many digits as their origin', () => {
  const third = (a: HclNumber, b: HclNumber): string => numberText(divide(a, b) as HclNumber);
  assert.equal(third(numberFromInt(1), numberFromInt(3)), '0.33333333333333333334');
  assert.equal(third(number('1'), number('3')).length, 157);
  assert.equal(numberText(numberFromFloat(0.1) as HclNumber), '0.1');
  assert.equal(numberText(numberFromFloat(Math.PI) as HclNumber), '3.141592653589793');
});

/** `e+07` in place of `e+7`, as Go has it. */
function exponential(value: number): string {
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function shortestText(value: number): string {
  return formatNumber(numberFromFloat(value) as HclNumber, 'e', undefined);
}

test('any number of JavaScript keeps its value and its shortest text', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const made = numberFromFloat(value) as HclNumber;
      assert.ok(Object.is(toFloat(made), value));
      if (isPowerOfTwo(value)) return;
      assert.equal(Number(numberText(made)), value);
      // Smaller ones have fewer bits than others in JavaScript, but not here.
      if (Math.abs(value) < 2.3e-308) return;
      const ours = shortestText(value);
      assert.equal(
        ours,
        Object.is(value, -0) ? '-0e+00' : hasShorterEnd(value) ? cutText(value) : exponential(value),
      );
      assert.equal(Number(ours), value);
    }),
    {
      numRuns: 300,
      examples: [[1.7272958406945119e18], [-1.7272958406945119e18], [1e23], [9007199254740993e3]],
    },
  );
});

test('where Go has another shortest text than JavaScript, it is that of Go', () => {
  // Said by `new(big.Float).SetFloat64(value).Text('e', -1)`. Where the middle between a number and the next one has fewer digits
  // than the text, and is not this number itself, Go does not round up.
  assert.deepEqual(
    [shortestText(1.7272958406945119e18), exponential(1.7272958406945119e18)],
    ['1.7272958406945118e+18', '1.7272958406945119e+18'],
  );
  // Numbers below a power of two lie closer together than those above; Go takes both for as far away, and JavaScript reads another
  // number.
  for (const [exponent, text] of [
    [-1019, '1.780059086805761e-307'],
    [-1007, '7.291122019556397e-304'],
  ] as const) {
    assert.equal(shortestText(2 ** exponent), text);
    assert.notEqual(Number(text), 2 ** exponent);
  }
});

/** The bits of a number above the smallest ones: its whole mantissa, and the exponent that goes with it. */
function bitsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  const all = bits.getBigUint64(0);
  return { mantissa: (all & 0xfffffffffffffn) | 0x10000000000000n, exponent: Number(all >> 52n) - 1075 };
}

function isPowerOfTwo(value: number): boolean {
  return Math.abs(value) >= 2.3e-308 && bitsOf(value).mantissa === 0x10000000000000n;
}

/** The significant digits of mantissa × 2^exponent, all of them. */
function digitsOf(mantissa: bigint, exponent: number): string {
  const shift = BigInt(Math.abs(exponent));
  return String(exponent < 0 ? mantissa * 5n ** shift : mantissa << shift).replace(/0+$/, '');
}

/** How many digits JavaScript takes. */
function countDigits(value: number): number {
  return exponential(value).replace(/e.*/, '').replaceAll(/\D/g, '').length;
}

/** Whether the middle between a number and the next one does not mean this number, and has fewer digits than it. */
function hasShorterEnd(value: number): boolean {
  const { mantissa, exponent } = bitsOf(value);
  return mantissa % 2n === 1n && digitsOf(2n * mantissa + 1n, exponent - 1).length < countDigits(value);
}

/** As many digits as JavaScript takes, and the rest left away. */
function cutText(value: number): string {
  const { mantissa, exponent } = bitsOf(value);
  const [, sign = '', rest = ''] = /^(-?)[^e]+(e.*)$/.exec(exponential(value)) ?? [];
  const digits = digitsOf(mantissa, exponent).slice(0, countDigits(value));
  return `${sign}${digits.slice(0, 1)}.${digits.slice(1)}${rest}`;
}

test('whole numbers are multiplied exactly', () => {
  const whole = fc.bigInt({ min: -(2n ** 120n), max: 2n ** 120n });
  fc.assert(
    fc.property(whole, whole, (a, b) => {
      const product = multiply(number(String(a)), number(String(b))) as HclNumber;
      assert.equal(numberText(product).replace(/^-0$/, '0'), String(a * b));
    }),
    { numRuns: 200 },
  );
});

test('texts, numbers and bools become one another where they can', () => {
  assert.equal(converted(numberValue(5), STRING), 'string "5"');
  assert.equal(converted(textValue('1.50'), NUMBER), 'number 1.5');
  assert.equal(converted(boolValue(true), STRING), 'string "true"');
  assert.equal(converted(textValue('0'), BOOL), 'bool false');
  assert.equal(converted(textValue('True'), BOOL), 'a bool is required; write "true" in lower case');
  assert.equal(converted(textValue('x'), NUMBER), 'a number is required');
  assert.equal(converted(numberValue(1), BOOL), 'a bool is required, not a number');
  assert.equal(converted(nullOf(), STRING), 'string null');
});

test('collections are converted with their elements', () => {
  const mixed = tupleOf([numberValue(2), textValue('a'), nullOf(), numberValue(2)]);
  assert.equal(converted(mixed, listType(STRING)), 'list(string) ["2","a",null,"2"]');
  assert.equal(converted(mixed, setType(DYNAMIC)), 'set(string) ["2","a",null]');
  assert.equal(converted(mixed, listType(NUMBER)), 'in [1]: a number is required');
  assert.equal(converted(tupleOf([]), listType(DYNAMIC)), 'list(any) []');
  const object = objectOf([
    ['b', numberValue(1)],
    ['a', textValue('x')],
  ]);
  assert.equal(converted(object, mapType(DYNAMIC)), 'map(string) {"a":"x","b":"1"}');
  assert.equal(converted(object, listType(STRING)), 'a list of string is required, not an object');
  const wanted = objectType(
    new Map<string, Type>([
      ['a', STRING],
      ['c', listType(STRING)],
    ]),
    new Set(['c']),
  );
  assert.equal(converted(object, wanted), 'object({ a = string, c = list(string) }) {"a":"x","c":null}');
  const strict = objectType(new Map([['z', STRING]]));
  assert.equal(converted(object, strict), 'the attribute "z" is required');
  const nested = objectOf([['a', tupleOf([textValue('x')])]]);
  assert.equal(converted(nested, mapType(listType(NUMBER))), 'in ["a"][0]: a number is required');
});

test('types that differ have a common one, or none', () => {
  const rows: readonly [readonly Type[], string | undefined][] = [
    [[], undefined],
    [[NUMBER, STRING, BOOL], 'string'],
    [[NUMBER, BOOL], undefined],
    [[NUMBER, DYNAMIC], 'number'],
    [[tupleType([NUMBER]), tupleType([STRING])], 'tuple([string])'],
    [[tupleType([NUMBER]), tupleType([STRING, BOOL])], 'list(string)'],
    [[listType(NUMBER), tupleType([STRING])], 'list(string)'],
    [[listType(NUMBER), setType(STRING)], 'list(number)'],
    [[objectType(new Map([['a', NUMBER]])), objectType(new Map([['b', STRING]]))], 'map(string)'],
    [[objectType(new Map([['a', NUMBER]])), tupleType([])], undefined],
    [[objectType(new Map([['a', NUMBER]])), DYNAMIC], 'any'],
  ];
  for (const [types, common] of rows) {
    const found = unify(types, true);
    assert.equal(
      found === undefined ? undefined : typeText(found),
      common,
      types.map(typeText).join(' and '),
    );
  }
});

test('values are equal if type and content are', () => {
  assert.ok(equalValues(numberValue(1), numberValue(number('1.0'))));
  assert.ok(equalValues(numberValue(0), numberValue(negate(number('0')))));
  assert.ok(!equalValues(numberValue(1), textValue('1')));
  assert.ok(equalValues(nullOf(STRING), nullOf(NUMBER)));
  assert.ok(!equalValues(nullOf(), textValue('')));
  assert.ok(!equalValues(tupleOf([textValue('a')]), listOf(STRING, [textValue('a')])));
  assert.ok(equalValues(setOf(NUMBER, [3, 1].map(numberValue)), setOf(NUMBER, [1, 3, 1].map(numberValue))));
  const counted = divide(numberFromInt(2), numberFromInt(5)) as HclNumber;
  assert.ok(equalValues(numberValue(counted), numberValue(number('0.4'))));
});

test('texts are in Unicode form NFC, and sorted by their bytes', () => {
  assert.deepEqual(textValue('e\u0301'), textValue('é'));
  const entries = objectOf(['b', 'é', 'a', '\uffff', '😀', 'Z'].map((name) => [name, nullOf()] as const));
  assert.deepEqual([...entries.entries.keys()], ['Z', 'a', 'b', 'é', '\uffff', '😀']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      const encode = (text: string): string =>
        Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
      const [left, right] = [encode(a), encode(b)];
      assert.equal(Math.sign(compareTexts(a, b)), left < right ? -1 : left > right ? 1 : 0);
    }),
  );
});

test('JSON that was written is read again', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (json) => {
      const read = fromJsonText(json);
      // A name that is not in form NFC is an error, as in go-cty.
      if (json.normalize('NFC') !== json || /\\u/.test(json)) return;
      assert.ok(read.ok, json);
      const again = toJsonText(read.value) ?? '';
      assert.deepEqual(JSON.parse(again), JSON.parse(json));
      assert.deepEqual(fromJsonText(again), read);
    }),
    { numRuns: 300 },
  );
});

test('types have names for people', () => {
  assert.equal(typeName(listType(mapType(STRING))), 'list of map of string');
  assert.equal(typeName(DYNAMIC), 'any type');
  assert.equal(typeName(tupleType([STRING])), 'tuple');
});
