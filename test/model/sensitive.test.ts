/** What is hidden of sensitive values, what is sealed, and what a name alone hides. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  createHider,
  createSealer,
  hideInLine,
  hideInOption,
  hideInStep,
  hideInWord,
  hideNamed,
  hideUsers,
  isSealed,
  type Json,
  showSealed,
  type Variable,
} from '../../lib/model/mod.ts';
import { seededRandom } from '../rig/random.ts';

const variables = (...values: readonly Json[]): ReadonlyMap<string, Variable> =>
  new Map(
    values.map((value, at): [string, Variable] => [
      `V${at}`,
      { name: `V${at}`, value, origin: { kind: 'flag' }, sensitive: true },
    ]),
  );
const hash = (part: string) => createHash('sha256').update(part).digest('hex').slice(0, 32);

test('each line of a value is hidden, and the value as JSON, addresses and base64 have it', () => {
  const value = '-----BEGIN-----\r\n  line "one" & <two>\nab\n\n';
  const { hide, holds } = createHider(variables(value));
  for (const text of [
    value,
    'it wrote -----BEGIN-----',
    'line "one" & <two>',
    JSON.stringify(value),
    'x line \\"one\\" & <two> x'.replace(/line/, `${JSON.stringify(value).slice(1, -1)}`),
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
    // As a field of `--output` has it.
    'type=image,"annotation.x=line ""one"" & <two>"',
  ]) {
    assert.ok(holds(text), text);
    const shown = hide(text);
    assert.match(shown, /\(hidden\)/);
    assert.doesNotMatch(shown, /BEGIN|one"+ &|LS0t/, text);
  }
  assert.equal(hide('ab is too short'), 'ab is too short');
  // Go escapes these in JSON.
  const go = createHider(variables('a<b>&c'));
  assert.equal(go.hide('"a\\u003cb\\u003e\\u0026c"'), '"(hidden)"');
});

test('many long values are found as few short ones are, overlapping ones as one', () => {
  const many = Array.from({ length: 40 }, (_, at) => `${'eyJhbGciOiJSUzI1NiJ9'.repeat(60)}.${at}-end`);
  const first = many[0] ?? '';
  for (const all of [[first], [first, many[1] ?? ''], many]) {
    const { hide, holds } = createHider(new Map(), all);
    assert.equal(holds(first.slice(1)), false);
    assert.equal(hide(`a ${first} b ${all.at(-1)} c`), 'a (hidden) b (hidden) c');
    assert.equal(hide(`${first}${first}`), '(hidden)(hidden)');
  }
  const { hide } = createHider(new Map(), [...many, `${first.slice(-8)}tail`, '9-end']);
  assert.equal(hide(`<${first}tail>`), '<(hidden)>');
  assert.equal(hide(`<${many[9]}>`), '<(hidden)>');
});

test('values inside of lists and maps, and numbers, are hidden; short ones are not', () => {
  const { hide, holds } = createHider(variables({ a: ['first-one', 'dev'], b: 123456 }, null, true, 'x'));
  assert.equal(hide('first-one dev 123456 true x'), '(hidden) dev (hidden) true x');
  assert.equal(holds('dev true x null'), false);
  assert.deepEqual(hide({ first: ['first-one'], kept: 'first-one' }, new Set(['kept'])), {
    first: ['(hidden)'],
    kept: 'first-one',
  });
});

test('of values that overlap in a text nothing stays', () => {
  const { hide } = createHider(variables('abcd', 'cdefgh', 'abcdx', '$(.*)[', 'lone\ud800surrogate'));
  assert.equal(hide('1abcdefgh2'), '1(hidden)2');
  assert.equal(hide('abcdx abcdabcd'), '(hidden) (hidden)(hidden)');
  assert.equal(hide('$(.*)['), '(hidden)');
  assert.equal(hide('lone\ud800surrogate'), '(hidden)');
});

test('seals say nothing and are shown as what they are', () => {
  const { seal, concerns } = createSealer(variables('hunter22'));
  assert.equal(concerns('huntsman'), false);
  assert.equal(seal('huntsman', hash), 'huntsman');
  const sealed = seal('is hunter22!', hash);
  assert.equal(sealed, `is (hidden:${hash('hunter22')})!`);
  assert.ok(isSealed(sealed));
  assert.equal(showSealed(sealed), 'is (hidden)!');
  assert.ok(
    createHider(new Map()).holds(sealed),
    'what is sealed counts as secret, whatever is sensitive now',
  );
  assert.equal(createHider(variables('other-one')).hide(sealed), 'is (hidden)!');
});

test('texts that are the same when they are sealed were the same before, whatever was sensitive', () => {
  const random = seededRandom(7);
  const words = ['hunter22', 'unte', 'r22x', '(hidden:', `(hidden:${hash('hunter22')})`, 'a', ' ', ')'];
  const sealed = new Map<string, string>();
  for (let time = 0; time < 3000; time++) {
    const text = Array.from({ length: random.below(5) }, () => random.pick(words)).join('');
    const sensitive = words.slice(0, 3).filter(() => random.below(2) === 0);
    const { seal } = createSealer(variables(...sensitive));
    const result = seal(text, hash);
    for (const one of sensitive)
      assert.ok(!result.replaceAll(/\(hidden:[0-9a-f]{32}\)/g, '|').includes(one), `${text} → ${result}`);
    assert.equal(sealed.get(result) ?? text, text);
    sealed.set(result, text);
  }
});

test('a name that sounds secret hides its value, in maps, command lines and lines of files', () => {
  assert.deepEqual(
    [
      ...hideNamed(
        new Map([
          ['NPM_TOKEN', 'x'],
          ['MODE', 'y'],
        ]),
      ),
    ],
    [
      ['NPM_TOKEN', '(hidden)'],
      ['MODE', 'y'],
    ],
  );
  for (const [word, shown] of [
    ['build-arg:NPM_TOKEN=abc=def\nx', 'build-arg:NPM_TOKEN=(hidden)'],
    ['build-arg:MODE=token', 'build-arg:MODE=token'],
    ['label:my.secret=1', 'label:my.secret=(hidden)'],
    ['target=token', 'target=token'],
    ['type=gha,token=abc,url=u', 'type=gha,token=(hidden),url=u'],
    ['type=s3,"secret_access_key=a,""b",region=r', 'type=s3,secret_access_key=(hidden),region=r'],
    ['type=image,"name=a/token:1,b/c:1",push=true', 'type=image,"name=a/token:1,b/c:1",push=true'],
    ['context=https://me:pass@example.com/x.git#main', 'context=https://example.com/x.git#main'],
    ['id=npm_token,env=NPM_TOKEN', 'id=npm_token,env=NPM_TOKEN'],
  ] as const)
    assert.equal(hideInWord(word), shown);
  assert.equal(hideInLine('      TOKEN: tell-nobody # x'), '      TOKEN: (hidden)');
  assert.equal(hideInLine('ENV "API_KEY"=abc'), 'ENV "API_KEY"=(hidden)');
  assert.equal(hideInLine('  context: keys/here'), '  context: keys/here');
  for (const image of [
    '    tags: [localhost:5102/shop/secret:1]',
    '    tags: ["${REGISTRY}/auth-server:${TAG}", shop/api-key:1.2]',
    `FROM ghcr.io/acme/token:2@sha256:${'0'.repeat(64)} AS base`,
    'COPY --from=shop/secret:1 /a /b',
  ])
    assert.equal(hideInLine(image), image);
  for (const [line, shown] of [
    ['    tags: [shop/secret:1], args: {TOKEN: abc}', '    tags: [shop/secret:1], args: {TOKEN: (hidden)'],
    ['RUN curl -u token:abcdef x', 'RUN curl -u token:(hidden)'],
    ['RUN git clone https://x-token:abcdef@host/x', 'RUN git clone https://x-token:(hidden)'],
    ['RUN git clone https://host/token:abcdef@x', 'RUN git clone https://host/token:(hidden)'],
    ['args: { a/secret: abcdef }', 'args: { a/secret: (hidden)'],
    ['RUN x --set a/secret=abcdef', 'RUN x --set a/secret=(hidden)'],
    ['{"a/secret":"abcdef"}', '{"a/secret":(hidden)'],
    [`TOKEN: a/${'key'.repeat(20_000)}`, 'TOKEN: (hidden)'],
  ] as const)
    assert.equal(hideInLine(line), shown);
});

test('users are in no address of any scheme, but for the name that one signs in with over ssh', () => {
  for (const [text, shown] of [
    ['https://token@host/x.git#main', 'https://host/x.git#main'],
    ['see git+https://me:pw@host/x, and HTTPS://a@b', 'see git+https://host/x, and HTTPS://b'],
    ['postgres://app:hunter22@db/x', 'postgres://db/x'],
    ['redis://:hunter22@db', 'redis://db'],
    ['https://me:p@ss@host/x', 'https://host/x'],
    ['ssh://git@host/x.git', 'ssh://git@host/x.git'],
    ['git+ssh://git@host/x.git', 'git+ssh://git@host/x.git'],
    ['ssh://git:hunter22@host/x.git', 'ssh://host/x.git'],
    [`ssh://${'a1'.repeat(20)}@host/x`, 'ssh://host/x'],
    ['git@host:x.git', 'git@host:x.git'],
    ['https://host/a@b?c=d@e', 'https://host/a@b?c=d@e'],
    [`docker-image://alpine@sha256:${'0'.repeat(64)}`, `docker-image://alpine@sha256:${'0'.repeat(64)}`],
    [`oci-layout://x:1@sha256:${'0'.repeat(64)}`, `oci-layout://x:1@sha256:${'0'.repeat(64)}`],
  ] as const) {
    assert.equal(hideUsers(text), shown);
    assert.equal(hideInWord(`context=${text}`), `context=${shown}`);
    assert.equal(hideInStep(`ADD ${text} /`), `ADD ${shown} /`);
  }
  const long = `${'x-'.repeat(200_000)}://${'y'.repeat(200_000)}`;
  assert.equal(hideUsers(long), long);
});

test('what is given to a sensitive variable is hidden by its name on a command line, however it is written', () => {
  const pin = { name: 'PIN', value: 1, sensitive: true } as unknown as Variable;
  const hosts = { name: 'HOSTS', value: ['alpha1', 'beta22'], sensitive: true } as unknown as Variable;
  const hider = createHider(
    new Map([
      ['PIN', pin],
      ['HOSTS', hosts],
    ]),
  );
  for (const [word, shown] of [
    ['PIN=001', 'PIN=(hidden)'],
    ['--var=PIN=1', '--var=PIN=(hidden)'],
    ['HOSTS=alpha1, "beta22"', 'HOSTS=(hidden)'],
    ['app.args.PIN=1', 'app.args.PIN=(hidden)'],
    ['app.args.X=say alpha1', 'app.args.X=say (hidden)'],
    ['app.args.API_TOKEN=x', 'app.args.API_TOKEN=(hidden)'],
    ['app.args.U=postgres://a:b@c/', 'app.args.U=postgres://c/'],
    ['app.args.U=https://host/?token=abc', 'app.args.U=https://host/?token=(hidden)'],
    ['app.args.U=a\ntoken=abc\nb', 'app.args.U=a\ntoken=(hidden)\nb'],
    ['TAG=1.10', 'TAG=1.10'],
    ['env:NPM_TOKEN', 'env:NPM_TOKEN'],
  ] as const)
    assert.equal(hideInOption(word, hider), shown);
});
