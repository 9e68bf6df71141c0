/** Which name a promoted tag gets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatImageRef, parseTag } from '../../lib/model/mod.ts';
import { promotedName, readDestinations } from '../../lib/promote/destination.ts';

function promoted(tag: string, ...written: readonly string[]): string | undefined {
  const destinations = readDestinations(written);
  assert(destinations.ok, JSON.stringify(destinations));
  const ref = parseTag(tag) ?? assert.fail(tag);
  const named = promotedName(ref, destinations.value);
  return named === undefined ? undefined : formatImageRef(named);
}

test('a registry is exchanged, and a prefix put before the path', () => {
  const cases = [
    ['ghcr.io/acme/api:1.4', 'prod.example.com', 'prod.example.com/acme/api:1.4'],
    ['ghcr.io/acme/api:1.4', 'prod.example.com/live', 'prod.example.com/live/acme/api:1.4'],
    ['ghcr.io/acme/api', 'prod.example.com/a/b', 'prod.example.com/a/b/acme/api:latest'],
    ['localhost:5000/api:x', 'localhost:5001', 'localhost:5001/api:x'],
    ['localhost/api:x', '[::1]:5001/y', '[::1]:5001/y/api:x'],
    ['ghcr.io/acme/api:1', 'docker.io', 'docker.io/acme/api:1'],
    ['ghcr.io/acme/api:1', 'index.docker.io', 'docker.io/acme/api:1'],
    ['ghcr.io/api:1', 'docker.io/acme', 'docker.io/acme/api:1'],
    ['alpine:3', 'localhost:5000/hub', 'localhost:5000/hub/library/alpine:3'],
  ] as const;
  for (const [tag, to, expected] of cases) assert.equal(promoted(tag, to), expected, `${tag} to ${to}`);
});

test('a prefix is exchanged by whole parts, and the longest one that fits counts', () => {
  const both = ['ghcr.io/acme/staging=ghcr.io/acme/prod', 'ghcr.io/acme=quay.io/rest'];
  const cases = [
    ['ghcr.io/acme/staging/api:1', both, 'ghcr.io/acme/prod/api:1'],
    ['ghcr.io/acme/staging:1', both, 'ghcr.io/acme/prod:1'],
    ['ghcr.io/acme/staging-old/api:1', both, 'quay.io/rest/staging-old/api:1'],
    ['ghcr.io/acme/staging/api:1', [...both].reverse(), 'ghcr.io/acme/prod/api:1'],
    ['ghcr.io/other/api:1', both, undefined],
    ['ghcr.io/other/api:1', [...both, 'quay.io'], 'quay.io/other/api:1'],
    ['ghcr.io/acme/a/b:1', ['ghcr.io=quay.io'], 'quay.io/acme/a/b:1'],
    ['ghcr.io.example.com/a:1', ['ghcr.io=quay.io'], undefined],
    ['ghcr.io/acme/api:1', ['ghcr.io/acme/api=quay.io/x/y'], 'quay.io/x/y:1'],
    // Nothing would be left for the path.
    ['ghcr.io/acme/api:1', ['ghcr.io/acme/api=quay.io'], undefined],
    ['acme/api:1', ['docker.io/acme=quay.io/acme'], 'quay.io/acme/api:1'],
    ['alpine:1', ['docker.io/library=quay.io/acme'], 'quay.io/acme/alpine:1'],
  ] as const;
  for (const [tag, to, expected] of cases) assert.equal(promoted(tag, ...to), expected, `${tag} to ${to}`);
});

test('a name that gets longer than registries take is none', () => {
  const long = `ghcr.io/${'a'.repeat(200)}:1`;
  assert.equal(promoted(long, 'quay.io/acme'), `quay.io/acme/${'a'.repeat(200)}:1`);
  assert.equal(promoted(long, `quay.io/${'b'.repeat(60)}`), undefined);
});

test('what cannot be read as a destination is refused, all of it at once', () => {
  const wrong = [
    ...['', 'acme/prod', 'prod', 'ghcr.io/', 'ghcr.io/acme:1', 'ghcr.io/Acme', 'https://ghcr.io/acme'],
    ...['ghcr.io/a=b', 'a=ghcr.io/b', '=ghcr.io', 'ghcr.io=', 'ghcr.io=quay.io=x.io', 'ghcr.io//a'],
    `ghcr.io/a@sha256:${'0'.repeat(64)}`,
  ];
  const read = readDestinations([...wrong, 'ghcr.io']);
  assert(!read.ok);
  assert.deepEqual(
    read.error.map(({ code, message }) => `${code} ${message}`),
    wrong.map((text) => `plan/bad-destination \`${text}\` is not a valid destination`),
  );
  assert.match(read.error[0]?.hint ?? '', /REGISTRY\/PREFIX.*FROM=TO/);
});

test('one prefix has one destination', () => {
  const twice = readDestinations(['quay.io', 'ghcr.io=a.io', 'b.io/c', 'ghcr.io=a.io/x', 'quay.io']);
  assert(!twice.ok);
  assert.deepEqual(
    twice.error.map(({ message }) => message),
    [
      'everything has two destinations: `quay.io` and `b.io/c`',
      '`ghcr.io` has two destinations: `a.io` and `a.io/x`',
    ],
  );
  assert.deepEqual(readDestinations(['quay.io', 'quay.io']), {
    ok: true,
    value: [{ from: [], to: ['quay.io'] }],
  });
});
