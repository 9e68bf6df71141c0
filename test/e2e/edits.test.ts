/**
 * Files that are edited while they are built: what nobody can know was built is not remembered, so the next run builds.
 * All cases are builds of one run; each has a step that sleeps, so that edits fall before the files are sent (when the
 * key is made) and during the build.
 */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named } from './support.ts';

/** Edits of one build, in its own directory. */
interface Case {
  /** Between hashing and sending. */
  readonly before?: (at: (name: string) => string) => void;
  /** While the step runs. */
  readonly during?: (at: (name: string) => string) => void;
  /** What the warning names; undefined: there is none, and the next run leaves the build alone. */
  readonly touched?: readonly string[];
}

const edit = (file: string, text: string) => (at: (name: string) => string) => writeFileSync(at(file), text);
const keep = (file: string, change: (text: string) => string) => {
  let kept = '';
  return {
    before: (at: (name: string) => string) => {
      kept = readFileSync(at(file), 'utf8');
      writeFileSync(at(file), change(kept));
    },
    during: (at: (name: string) => string) => writeFileSync(at(file), kept),
  };
};
const relink = (file: string, target: string) => (at: (name: string) => string) => {
  rmSync(at(file));
  symlinkSync(target, at(file));
};

const CASES: Readonly<Record<string, Case>> = {
  'file-before': { before: edit('ctx/file', 'two\n'), touched: ['ctx/file'] },
  'file-during': { during: edit('ctx/file', 'two\n'), touched: ['ctx/file'] },
  'file-back': { ...keep('ctx/file', () => 'two\n'), touched: ['ctx/file'] },
  'mode-back': {
    before: (at) => chmodSync(at('ctx/file'), 0o755),
    during: (at) => chmodSync(at('ctx/file'), 0o644),
    touched: ['ctx/file'],
  },
  'came-and-went': {
    before: edit('ctx/.file.swp', 'x'),
    during: (at) => rmSync(at('ctx/.file.swp')),
    touched: ['ctx'],
  },
  'link-back': {
    before: relink('ctx/link', 'other'),
    during: relink('ctx/link', 'file'),
    touched: ['ctx', 'ctx/link'],
  },
  'dockerfile-before': {
    before: edit('Dockerfile', 'FROM scratch\nLABEL two=2\n'),
    touched: ['the Dockerfile'],
  },
  'dockerfile-during': {
    during: edit('Dockerfile', 'FROM scratch\nLABEL two=2\n'),
    touched: ['the Dockerfile'],
  },
  'dockerfile-back': {
    ...keep('Dockerfile', (text) => text.replace('COPY . /all/', 'COPY . /elsewhere/')),
    touched: ['the Dockerfile'],
  },
  'ignore-during': { during: edit('ctx/.dockerignore', ''), touched: ['what CTX leaves out'] },
  'ignore-back': { ...keep('ctx/.dockerignore', () => ''), touched: ['what CTX leaves out'] },
  'named-during': { during: edit('more/file', 'two\n'), touched: ['more/file'] },
  'named-back': { ...keep('more/file', () => 'two\n'), touched: ['more/file'] },
  // What the image cannot hold is nobody's business.
  'left-out': { before: edit('ctx/ignored/i', 'two\n'), during: edit('ctx/ignored/new', 'n') },
  'not-read': { before: edit('more/unread', 'two\n'), during: edit('unread', 'two\n') },
  secret: { before: edit('secret', 'two\n'), during: edit('secret', 'three\n') },
};

/** Never twice the same, so that no step comes from the engine's cache. */
const TOKEN = Math.random();
const DOCKERFILE = (name: string) => `FROM scratch
COPY --from=tools busybox /
COPY . /all/
COPY --from=more file /more
RUN --mount=type=secret,id=s ["/busybox", "sh", "-c", "sleep 2 # ${name} ${TOKEN}"]
`;

test('what is edited while it is built', { skip: realEngine.skip, timeout: 240_000 }, async (t) => {
  const registry = await startTestRegistry(t);
  const names = Object.keys(CASES);
  const build = (name: string) => `
  ${name}:
    context: ${name}/ctx
    dockerfile: ../Dockerfile
    contexts: { tools: tools, more: ${name}/more }
    secrets: ["id=s,src=${name}/secret"]
    tags: [${registry.host}/edits/${name}:1]
    push: true
`;
  const files = names.map((name) => ({
    [`${name}/Dockerfile`]: DOCKERFILE(name),
    [`${name}/ctx/file`]: 'one\n',
    [`${name}/ctx/other`]: 'other\n',
    [`${name}/ctx/link`]: { symlink: 'file' },
    [`${name}/ctx/.dockerignore`]: 'ignored\n.dockerignore\n',
    [`${name}/ctx/ignored/i`]: 'one\n',
    [`${name}/more/file`]: 'one\n',
    [`${name}/more/unread`]: 'one\n',
    [`${name}/unread`]: 'one\n',
    [`${name}/secret`]: 'one\n',
  }));
  const work = await makeWorkspace(t, {
    'tools/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'builds.yaml': `builds:${names.map(build).join('')}`,
    ...Object.assign({}, ...files),
  });
  const at = (name: string) => (file: string) => path.join(work.dir, name, file);
  const slept = new Set<string>();
  const onEvent = (event: BakeEvent) => {
    if (event.type === 'node-keyed') CASES[event.build]?.before?.(at(event.build));
    if (event.type !== 'vertex' || event.state !== 'running' || !/sleep 2/.test(event.name)) return;
    if (slept.has(event.build)) return;
    slept.add(event.build);
    CASES[event.build]?.during?.(at(event.build));
  };
  const first = await work.bake({ onEvent, jobs: names.length });
  assertOk(first);
  assert.deepEqual(named(first, 'built'), [...names].sort());
  assert.deepEqual([...slept].sort(), names.filter((name) => name !== 'dockerfile-before').sort());
  const warned = new Map(
    first.events.flatMap((event) =>
      event.type === 'warning' && event.problem.code === 'run/changed-while-building'
        ? [[event.build ?? '', event.problem.detail ?? '']]
        : [],
    ),
  );
  for (const [name, { touched }] of Object.entries(CASES)) {
    const expected = touched?.map((one) =>
      one.replace(/^(?=ctx|more)/, `${name}/`).replace('CTX', `${name}/ctx`),
    );
    assert.equal(warned.get(name), expected?.join('\n'), name);
  }

  // What really was sent: the edits, though they were undone by the end.
  const dir = path.join(await makeTempDir(t, 'e2e-image-'), 'root');
  await unpackImage(`${registry.host}/edits/file-back:1`, dir);
  assert.equal(await readFile(path.join(dir, 'all/file'), 'utf8'), 'two\n');

  const second = await work.bake();
  assertOk(second);
  assert.deepEqual(named(second, 'built'), names.filter((name) => CASES[name]?.touched !== undefined).sort());
  const third = await work.bake();
  assert.deepEqual(named(third, 'built'), [], 'in peace everything is remembered');
});
