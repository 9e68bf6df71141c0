/** Which proxies the steps of a build get, and under which names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseProxies, type ProxyTaker, secretSpelling, withheldProxies } from '../../lib/inputs/proxies.ts';
import {
  attestsArguments,
  type Build,
  isProxyArgument,
  namesUser,
  PROXY_ARGUMENTS,
  sensitiveOfProxies,
  type TypedAttributes,
} from '../../lib/model/mod.ts';
import { makeBuild } from '../rig/sets.ts';

const PLAIN = new Map([
  ['HTTP_PROXY', 'http://p:1'],
  ['NO_PROXY', 'a'],
]);
const NONE: ReadonlySet<string> = new Set();
const SECRET = 'http://user:pass-word@p:1';

const provenance = (attributes: Readonly<Record<string, string>>): TypedAttributes => ({
  type: 'provenance',
  attributes: new Map(Object.entries(attributes)),
});

const chosen = (
  rest: Partial<Omit<Build, 'tags'>>,
  proxies: ReadonlyMap<string, string>,
  taker: ProxyTaker = NONE,
) => {
  const { args, withheld } = chooseProxies(makeBuild('a', rest), proxies, taker);
  return [Object.fromEntries(args), withheld?.message] as const;
};

test('a proxy goes by both of its names, whatever the frontend and the attestations', () => {
  const all = { HTTP_PROXY: 'http://p:1', http_proxy: 'http://p:1', NO_PROXY: 'a', no_proxy: 'a' };
  assert.deepEqual(chosen({}, PLAIN), [all, undefined]);
  assert.deepEqual(chosen({ attest: [provenance({})] }, PLAIN, 'frontend'), [all, undefined]);
  assert.deepEqual(chosen({}, new Map()), [{}, undefined]);
});

test('what `args` say of a proxy stands alone, by either name and also where it is empty', () => {
  for (const name of ['HTTP_PROXY', 'http_proxy', 'Http_Proxy']) {
    for (const value of ['', 'http://own:1'])
      assert.deepEqual(chosen({ args: new Map([[name, value]]) }, PLAIN), [
        { NO_PROXY: 'a', no_proxy: 'a' },
        undefined,
      ]);
  }
  assert.deepEqual(chosen({ args: new Map([['HTTP_PROXY', '']]) }, new Map([['HTTP_PROXY', SECRET]])), [
    {},
    undefined,
  ]);
});

test('one with a user goes by a name that no ARG declares, and not where that would be shown', () => {
  const proxies = new Map([...PLAIN, ['HTTP_PROXY', SECRET], ['HTTPS_PROXY', 'user@p:1']]);
  const plain = { NO_PROXY: 'a', no_proxy: 'a' };
  const secret = { ...plain, hTtp_proxy: SECRET, hTtps_proxy: 'user@p:1' };
  const min = provenance({ mode: 'min' });
  const off = provenance({ mode: 'max', disabled: 'true' });
  const sbom: TypedAttributes = { type: 'sbom', attributes: new Map() };
  for (const attest of [[], [min], [off], [sbom, min]])
    assert.deepEqual(chosen({ attest }, proxies), [secret, undefined]);
  assert.deepEqual(
    chosen({ args: new Map([['BUILDKIT_ATTEST_PROVENANCE', 'mode=min']]) }, proxies)[0],
    secret,
  );
  const why = (reason: string) =>
    `RUN steps do not get HTTP_PROXY, HTTPS_PROXY, which have credentials in the URL: ${reason}`;
  const holds = 'its provenance records the arguments';
  for (const one of [provenance({}), provenance({ mode: 'max' }), provenance({ mode: 'full' })])
    assert.deepEqual(chosen({ attest: [one, min] }, proxies), [plain, why(holds)]);
  for (const value of ['', 'mode=max', 'version=v1', 'xmode=min', 'mode=minimal'])
    assert.deepEqual(chosen({ args: new Map([['BUILDKIT_ATTEST_PROVENANCE', value]]) }, proxies), [
      plain,
      why(holds),
    ]);
  assert.deepEqual(chosen({}, proxies, 'frontend'), [
    plain,
    why('the arguments go to a frontend other than that of Dockerfiles'),
  ]);
  const remote = 'its Dockerfile is inside the remote context, so the use of the arguments is unknown';
  assert.deepEqual(chosen({}, proxies, 'remote'), [plain, why(remote)]);
  assert.deepEqual(chosen({}, PLAIN, 'remote')[1], undefined);
});

test('of all spellings it is one that is not declared, and none where they are', () => {
  const declared = new Set<string>();
  for (let spelling = secretSpelling('NO_PROXY', declared); spelling !== undefined; ) {
    assert.equal(spelling.toUpperCase(), 'NO_PROXY');
    assert(!declared.has(spelling) && !['NO_PROXY', 'no_proxy'].includes(spelling), spelling);
    declared.add(spelling);
    spelling = secretSpelling('NO_PROXY', declared);
  }
  // All cases of seven letters but for the two usual ones.
  assert.equal(declared.size, 2 ** 7 - 2);
  const all = new Map([['NO_PROXY', SECRET]]);
  const why =
    'RUN steps do not get NO_PROXY, which has credentials in the URL: its Dockerfile declares every spelling of the name';
  assert.deepEqual(chosen({}, all, declared), [{}, why]);
});

test('the warning names neither the URL nor the user', () => {
  const { withheld } = chooseProxies(makeBuild('a'), new Map([['HTTP_PROXY', SECRET]]), 'frontend');
  assert.equal(withheld?.severity, 'warning');
  assert.equal(withheld.code, 'build/proxy-withheld');
  assert.equal(withheld.build, 'a');
  assert.doesNotMatch(JSON.stringify(withheld), /pass-word|user:/);
  assert.equal(
    withheldProxies(['HTTP_PROXY'], 'untrusted').message,
    'RUN steps do not get HTTP_PROXY, which has credentials in the URL: passwords are withheld from an untrusted file',
  );
});

test('names and spellings', () => {
  assert.deepEqual(
    PROXY_ARGUMENTS.map((name) => secretSpelling(name, NONE)),
    ['hTtp_proxy', 'hTtps_proxy', 'fTp_proxy', 'nO_proxy', 'aLl_proxy'],
  );
  assert.deepEqual(
    ['HTTP_PROXY', 'https_proxy', 'All_Proxy', 'MY_HTTP_PROXY', 'PROXY'].map(isProxyArgument),
    [true, true, true, false, false],
  );
  assert.deepEqual(['u:p@h:1', 'http://u@h', 'http://h:1'].map(namesUser), [true, true, false]);
  assert.equal(attestsArguments(makeBuild('a')), false);
});

test('of a proxy with a user the URL, the user with the password, and the password are hidden, encoded or not', () => {
  const hidden = (value: string) => sensitiveOfProxies(new Map([['HTTP_PROXY', value]]));
  assert.deepEqual(hidden('http://p:1'), []);
  assert.deepEqual(
    new Set(hidden('http://user:pa%40ss@p:1')),
    new Set(['http://user:pa%40ss@p:1', 'user:pa%40ss', 'user:pa@ss', 'pa%40ss', 'pa@ss']),
  );
  assert.deepEqual(new Set(hidden('user:a@b:c@p:1')), new Set(['user:a@b:c@p:1', 'user:a@b:c', 'a@b:c']));
  assert.deepEqual(new Set(hidden('http://token-100%@p')), new Set(['http://token-100%@p', 'token-100%']));
});
