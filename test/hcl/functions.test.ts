import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  attributesOf,
  evaluate,
  type FunctionOptions,
  loadRegex,
  parseHcl,
  standardFunctions,
  toJsonText,
} from '../../lib/hcl/mod.ts';
import { repoPath } from '../rig/paths.ts';

const OPTIONS: FunctionOptions = {
  now: new Date('2026-03-04T05:06:07.890Z'),
  homedir: '/home/me',
  random: (size) => new Uint8Array(size).fill(0xff),
  regex: await loadRegex(),
};

/** The value of an expression as JSON, or `error` and why there is none. */
function resultOf(expression: string, options: FunctionOptions = OPTIONS): { json: string; why?: string } {
  const { body, problems } = parseHcl({ path: 'test.hcl', text: `x = ${expression}\n` });
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
    expression,
  );
  const functions = standardFunctions(options);
  const attribute = attributesOf(body).attributes.get('x');
  assert.ok(attribute, expression);
  const result = evaluate(attribute.value, {
    variable: () => undefined,
    function: (name) => functions.get(name),
    variableNames: () => [],
    functionNames: () => functions.keys(),
  });
  if (!result.ok) return { json: 'error', why: result.problems.map(({ message }) => message).join('\n') };
  return { json: toJsonText(result.value) ?? 'error' };
}

/** Lines of `CALL => JSON`, by the name of the function. */
const FACTS = readFileSync(repoPath('test/hcl/function-facts.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const at = line.lastIndexOf(' => ');
    const call = line.slice(0, at);
    return { name: call.slice(0, call.indexOf('(')), call, json: line.slice(at + 4) };
  });

for (const name of new Set(FACTS.map((fact) => fact.name))) {
  test(`${name} gives what bake gives`, () => {
    const own = FACTS.filter((fact) => fact.name === name);
    const given = own.map(({ call }) => `${call} => ${resultOf(call).json}`);
    assert.deepEqual(
      given,
      own.map(({ call, json }) => `${call} => ${json}`),
    );
  });
}

test('the functions are those of buildx 0.38.2', () => {
  // bake/hclparser/stdlib.go
  const names =
    'absolute add and base64decode base64encode basename bcrypt byteslen bytesslice can ceil chomp chunklist cidrhost cidrnetmask ' +
    'cidrsubnet cidrsubnets coalesce coalescelist compact concat contains convert csvdecode dirname distinct divide element equal ' +
    'flatten floor format formatdate formatlist formattimestamp greaterthan greaterthanorequalto hasindex homedir indent index indexof ' +
    'int join jsondecode jsonencode keys length lessthan lessthanorequalto log lookup lower max md5 merge min modulo multiply negate ' +
    'not notequal or parseint pow range regex regex_replace regexall replace reverse reverselist rsadecrypt sanitize semvercmp ' +
    'sethaselement setintersection setproduct setsubtract setsymmetricdifference setunion sha1 sha256 sha512 signum slice sort split ' +
    'strlen substr subtract timeadd timestamp title trim trimprefix trimspace trimsuffix try unixtimestampparse upper urlencode uuidv4 ' +
    'uuidv5 values zipmap';
  assert.deepEqual([...standardFunctions(OPTIONS).keys()].sort(), names.split(' '));
});

test('time, random bytes and the home directory are those that were handed in', () => {
  assert.equal(resultOf('timestamp()').json, '"2026-03-04T05:06:07Z"');
  assert.equal(resultOf('homedir()').json, '"/home/me"');
  assert.equal(resultOf('uuidv4()').json, '"ffffffff-ffff-4fff-bfff-ffffffffffff"');
  const { homedir: _, ...homeless } = OPTIONS;
  assert.match(resultOf('homedir()', homeless).why ?? '', /there is no home directory/);
});

test('rsadecrypt reads what was encrypted for a key, and nothing else', () => {
  const pair = (): { publicKey: string; privateKey: string } =>
    generateKeyPairSync('rsa', {
      modulusLength: 1024,
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
  const { publicKey, privateKey } = pair();
  const encrypted = publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_PADDING },
    Buffer.from('secret é'),
  ).toString('base64');
  const call = (text: string, key: string): { json: string; why?: string } =>
    resultOf(`rsadecrypt(${JSON.stringify(text)}, ${JSON.stringify(key)})`);
  assert.equal(call(encrypted, privateKey).json, '"secret é"');
  assert.equal(call(encrypted, pair().privateKey).json, 'error');
  assert.match(call(encrypted, publicKey).why ?? '', /not an RSA key in PEM/);
  assert.match(call('!', privateKey).why ?? '', /not Base64/);
});

test('bcrypt is refused, since its result could not be told from a change', () => {
  assert.match(resultOf('bcrypt("x")').why ?? '', /bake-ts has no bcrypt/);
});

test('a failure says which function, and what is wrong with which argument', () => {
  assert.equal(resultOf('upper()').why, 'upper() fails: the argument "str" is missing');
  assert.equal(resultOf('upper("a", "b")').why, 'upper(): it takes one argument, not 2');
  assert.equal(resultOf('upper(null)').why, 'upper(): it must not be null');
  assert.equal(resultOf('add("x", 1)').why, 'add(): a number is required');
  assert.equal(resultOf('join(",", [["a"]])').why, 'join(): in [0]: a string is required, not a tuple');
  assert.equal(
    resultOf('convert("x", list)').why,
    'convert(): "list" needs the type of its elements: list(string)',
  );
});

test('what would take too long or too much is refused', () => {
  const calls: readonly [string, RegExp][] = [
    ['format("%1000000s", "a")', /more than 100000 characters/],
    ['indent(100000000, "a\\nb")', /more than 1048576 characters/],
    [`replace("${'a'.repeat(5000)}", "", "${'b'.repeat(5000)}")`, /more than 1048576 characters/],
    [`regex_replace("${'a'.repeat(5000)}", "a", "${'b'.repeat(5000)}")`, /more than 1048576 characters/],
    ['range(0, 2000)', /more than 1024 numbers/],
    ['setproduct(range(200), range(200))', /more than 10000 combinations/],
    ['convert("1e20000", number)', /a number is required/],
    ['multiply(1e9000, 1e9000)', /too large/],
    [`regex("${'(a|b)*'.repeat(200)}", "a")`, /more than 1000 characters/],
    [`regexall("(.*)(.*)(.*)x|y", "${'y'.repeat(20_000)}")`, /take too long/],
    [`jsondecode("${'['.repeat(5000)}")`, /more than 500 levels/],
    [`parseint("${'1'.repeat(20_000)}", 10)`, /more than 10000 digits/],
  ];
  for (const [call, why] of calls) {
    const start = performance.now();
    assert.match(resultOf(call).why ?? '', why, call.slice(0, 60));
    assert.ok(performance.now() - start < 10_000, call.slice(0, 60));
  }
});

test('expressions that make engines of other kinds hang are matched in time', () => {
  assert.equal(resultOf(`can(regex("(a*)*b", "${'a'.repeat(5000)}"))`).json, 'false');
});

test('regular expressions need their library only where they are called', () => {
  const { regex: _, ...without } = OPTIONS;
  assert.equal(resultOf('upper("a")', without).json, '"A"');
  assert.throws(() => resultOf('regex("a", "a")', without), /regular expressions were not loaded/);
});
