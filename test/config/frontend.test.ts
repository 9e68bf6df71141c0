/** `frontend`, `source`, `opts` and `buildctl-options`: what is read, printed, merged, and refused at its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printOne, problemsOf, readSet } from './support.ts';

async function buildOf(yaml: string, reading = {}) {
  const { set } = await readSet(yaml, reading);
  const build = set.builds.get('a');
  assert(build !== undefined);
  return { ...build, root: set.root };
}

test('a frontend is read, printed, inherited and left out again', async () => {
  const template = 'templates: { t: { frontend: gateway.v0, source: "x/fe:1", opts: { a: 1, b: "2" } } }\n';
  assert.deepEqual(await printOne(`${template}builds: { a: { extends: t, opts: { b: three, c: 3.10 } } }`), {
    context: '.',
    dockerfile: 'Dockerfile',
    frontend: 'gateway.v0',
    source: 'x/fe:1',
    opts: { a: '1', b: 'three', c: '3.10' },
  });
  const own = await buildOf(
    `${template}builds: { a: { extends: t, frontend: dockerfile.v0, source: "", opts: { a: null } } }`,
  );
  assert.equal(own.frontendImage, undefined);
  assert.deepEqual(
    [...own.opts],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  const set = await buildOf('builds: { a: {} }', {
    overrides: [
      'a.frontend=gateway.v0',
      'a.source=x/fe:2',
      'a.opts.hostname=h=1',
      'a.buildctl-options=--wait',
    ],
  });
  assert.equal(set.frontendImage?.image, 'x/fe:2');
  assert.deepEqual([...set.opts], [['hostname', 'h=1']]);
  assert.deepEqual(
    set.buildctlOptions.map(({ words }) => words),
    [['--wait']],
  );
});

test('a frontend without its image, an image without its frontend, and others are problems', async () => {
  for (const [settings, expected] of [
    ['frontend: gateway.v0', 'config/frontend builds.yaml:1:N «gateway.v0» gateway.v0 needs `source`'],
    ['source: "x/fe:1"', 'config/frontend builds.yaml:1:N «"x/fe:1"» "source" needs `frontend: gateway.v0`'],
    ['frontend: dockerfile.v0, source: x', 'config/frontend builds.yaml:1:N «x» "source" needs `frontend'],
    [
      'frontend: gateway.v0, source: "X Y"',
      'config/frontend builds.yaml:1:N «"X Y"» "X Y" is not a valid image reference',
    ],
    ['frontend: gateway.v0, source: dockerfile.v0', 'config/frontend builds.yaml:1:N «dockerfile.v0»'],
    [
      'frontend: llb',
      'config/wrong-type builds.yaml:1:N «llb» "frontend" must be dockerfile.v0 or gateway.v0',
    ],
    ['frontend: "${{ \'llb\' }}"', 'config/wrong-type builds.yaml:1:N «"${{ \'llb\' }}"» "frontend" must be'],
  ] as const) {
    const [found = '', ...more] = await problemsOf(`builds: { a: { ${settings} } }`);
    assert(found.replace(/:1:\d+ /, ':1:N ').startsWith(expected), `${settings}\n${found}`);
    assert.deepEqual(more, []);
  }
});

test('an opt that has a key is an error that names the key', async () => {
  for (const [opt, key] of [
    ['target', '`target`'],
    ['platform', '`platforms`'],
    ['build-arg:X', '`args`'],
    ['label:X', '`labels`'],
    ['context:X', '`contexts`'],
    ['filename', '`dockerfile`'],
    ['no-cache', '`no-cache`'],
    ['add-hosts', '`extra-hosts`'],
    ['image-resolve-mode', '`pull`'],
    ['force-network-mode', '`network`'],
    ['shm-size', '`shm-size`'],
    ['ulimit', '`ulimits`'],
    ['cgroup-parent', '`cgroup-parent`'],
    ['attest:sbom', '`attest`'],
    ['source', '`source`'],
    ['local-sessionid:context', '`context`'],
    ['contextkey', '`context`'],
    ['dockerfilekey', '`dockerfile`'],
    ['requestid', '`bake-ts lint`'],
  ] as const) {
    const [found = '', ...more] = await problemsOf(`builds:\n  a:\n    opts:\n      "${opt}": value\n`);
    assert(
      found.startsWith(`config/opt builds.yaml:4:${opt.length + 11} «value» "${opt}" cannot be given`),
      found,
    );
    assert(found.split(' | ')[1]?.includes(key), found);
    assert.deepEqual(more, []);
  }
  assert.match(
    (await problemsOf('builds: { a: { opts: { "a=b": c } } }')).join(),
    /^config\/opt .* is not a valid name/,
  );
});

test('words for buildctl are read as buildctl reads them, and their files lie beside builds.yaml', async () => {
  const { buildctlOptions, root } = await buildOf(`builds:
  a:
    buildctl-options:
      - --trace
      - logs/trace.json
      - -ref-file=ref
      - --registry-auth-tlscontext=host=https://x,ca=ca.pem,insecure=false,"cert=a,b"
      - --debug-json-cache-metrics=stderr
      - --proxy-network
      - --from-the-future
      - one
      - two
      - --no-more
`);
  const path = (file: string) => `${root}/${file}`;
  assert.deepEqual(
    buildctlOptions.map(({ span: _, ...rest }) => rest),
    [
      {
        name: '--trace',
        words: [`--trace=${path('logs/trace.json')}`],
        written: ['--trace=logs/trace.json'],
        isHarmless: true,
        files: [{ path: path('logs/trace.json'), written: 'logs/trace.json', use: 'written' }],
      },
      {
        name: '--ref-file',
        words: [`--ref-file=${path('ref')}`],
        written: ['--ref-file=ref'],
        isHarmless: true,
        files: [{ path: path('ref'), written: 'ref', use: 'written' }],
      },
      {
        name: '--registry-auth-tlscontext',
        words: [
          `--registry-auth-tlscontext=host=https://x,ca=${path('ca.pem')},insecure=false,"cert=${path('a,b')}"`,
        ],
        written: ['--registry-auth-tlscontext=host=https://x,ca=ca.pem,insecure=false,"cert=a,b"'],
        isHarmless: true,
        files: [
          { path: path('ca.pem'), written: 'ca.pem', use: 'certificate' },
          { path: path('a,b'), written: 'a,b', use: 'certificate' },
        ],
      },
      {
        name: '--debug-json-cache-metrics',
        words: ['--debug-json-cache-metrics=stderr'],
        written: ['--debug-json-cache-metrics=stderr'],
        isHarmless: true,
        files: [],
      },
      {
        name: '--proxy-network',
        words: ['--proxy-network'],
        written: ['--proxy-network'],
        isHarmless: false,
        files: [],
      },
      {
        name: '--from-the-future',
        words: ['--from-the-future', 'one', 'two'],
        written: ['--from-the-future', 'one', 'two'],
        isHarmless: false,
      },
      { name: '--no-more', words: ['--no-more'], written: ['--no-more'], isHarmless: false },
    ],
  );
});

test('an option that bake-ts gives itself, or that is none, is refused, however it is spelled', async () => {
  for (const [words, expected] of [
    ['--output, "type=local"', /"--output" cannot be given .* `outputs`/],
    ['"-o=x"', /"-o" cannot be given .* `outputs`/],
    ['"-opt=target=x"', /"-opt" cannot be given .* `opts`/],
    ['--frontend, x', /`frontend` and `source`/],
    ['"--local=context=/"', /`context` and `contexts`/],
    ['--oci-layout, "x=/"', /`contexts: \{ NAME: "oci-layout/],
    ['--secret, x', /`secrets`/],
    ['--ssh, x', /`ssh`/],
    ['--allow, x', /`entitlements`/],
    ['--metadata-file, x', /--metadata-file/],
    ['--progress, plain', /--progress/],
    ['--no-cache', /`no-cache`/],
    ['--import-cache, x', /`cache-from`/],
    ['--export-cache, x', /`cache-to`/],
    ['--source-policy-file, x', /builds\.lock/],
    ['"--addr=tcp://x"', /--addr.*BUILDKIT_HOST/],
    ['--tlsdir, x', /`engine\.tls`/],
    ['-h', /builds nothing/],
    ['word', /"word" is not an option of buildctl/],
    ['"--"', /"--" is not an option of buildctl/],
    ['--wait, word', /"word" is not an option of buildctl/],
    ['--trace', /"--trace" needs a value/],
    ['"--trace="', /"--trace" needs a value/],
    ['--trace, --debug', /"--trace" needs a value/],
    ['-ref-file, -wait', /"--ref-file" needs a value/],
    ['"--registry-auth-tlscontext=host=x,\\"ca=y"', /cannot be read/],
  ] as const) {
    const [found = '', ...more] = await problemsOf(`builds: { a: { buildctl-options: [${words}] } }`);
    assert.match(found, /^config\/buildctl-option builds\.yaml:1:/, words);
    assert.match(found, expected, words);
    assert.deepEqual(more, [], words);
  }
});
