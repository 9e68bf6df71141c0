/** The recipe of docs/proxy.md for steps that are to trust a company's authority: what it reads, shows and leaves behind. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { codesOf } from '../rig/baking.ts';
import { findBusybox } from '../rig/busybox.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { assertOk, makeWorkspace } from './support.ts';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const MOUNT = `RUN --mount=type=secret,id=ca,target=${BUNDLE}`;
const grep = (word: string, file = BUNDLE) => `["/bin/busybox", "grep", "-q", "${word}", "${file}"]`;

test('steps see the authorities of the company, and the image keeps its own', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  const outside = await makeTempDir(t, 'company-');
  await writeTree(outside, { 'bundle.pem': 'company authority\n' });
  const bundle = path.join(outside, 'bundle.pem');
  const work = await makeWorkspace(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    public: 'public authorities\n',
    'builds.yaml': `
vars:
  COMPANY_CA: { default: "", description: PEM file of the authorities that steps trust }
templates:
  company:
    secrets: ['\${{ vars.COMPANY_CA == "" ? null : "id=ca,src=" + vars.COMPANY_CA }}']
builds:
  there: { extends: company, context: ., dockerfile: There, no-cache: true, outputs: ["type=local,dest=there"] }
  absent: { extends: company, context: ., dockerfile: Absent, no-cache: true, outputs: ["type=local,dest=absent"] }
  without: { extends: company, context: ., dockerfile: Without, no-cache: true, outputs: [type=cacheonly] }
`,
    There: `FROM scratch\nCOPY busybox /bin/busybox\nCOPY public ${BUNDLE}\n${MOUNT} ${grep('company')}\nRUN ${grep('public')}\n`,
    Absent: `FROM scratch\nCOPY busybox /bin/busybox\n${MOUNT} ${grep('company')}\n`,
    Without: `FROM scratch\nCOPY busybox /bin/busybox\nCOPY public ${BUNDLE}\n${MOUNT} ${grep('public')}\n`,
  });
  const env = { COMPANY_CA: bundle };
  const builds = ['there', 'absent'];
  assert.deepEqual(codesOf(await work.bake({ env, builds })), ['config/needs-grant']);
  const baked = await work.bake({ env, builds, allow: [`read:${bundle}`] });
  assertOk(baked);
  assert.deepEqual(codesOf(baked), []);
  assert.equal(await readFile(path.join(work.dir, 'there', BUNDLE), 'utf8'), 'public authorities\n');
  await assert.rejects(readFile(path.join(work.dir, 'absent', BUNDLE)), { code: 'ENOENT' });
  // Elsewhere the same files build without it.
  const plain = await work.bake({ builds: ['without'] });
  assertOk(plain);
  assert.deepEqual(codesOf(plain), ['warning build/secret-not-given of without']);
});
