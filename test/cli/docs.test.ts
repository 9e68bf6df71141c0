import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { notesOf } from '../../cli/declare/shared.ts';
import { declareCli } from '../../cli/declare.ts';
import { PAGE_NAMES } from '../../cli/docs-contents.ts';
import { readPage } from '../../cli/docs-files.ts';
import { CODE_PAGES, readPages } from '../../cli/docs-pages.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { codesOf } from '../../lib/docs/mod.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { listPages } from '../rig/pages.ts';

async function call(...argv: readonly string[]) {
  const io = createFakeIo(argv);
  const code = await runCli(io);
  return { code, out: io.out(), err: io.err() };
}

async function onTerminal(...argv: readonly string[]): Promise<string> {
  let out = '';
  const stdout = { isTTY: true, columns: 80, write: (text: string) => (out += text) };
  assert.equal(await runCli(createFakeIo(argv, { stdout })), EXIT.ok);
  return out;
}

test('every page of docs/ is in the contents, but for the reference of the library and mutants', () => {
  const files = listPages()
    .filter((name) => !name.startsWith('api/') && name !== 'mutants.md')
    .map((name) => name.replace(/\.md$/, ''));
  assert.deepEqual([...PAGE_NAMES].sort(), files.sort());
});

test('the topic that the help of a command names exists', async () => {
  for (const command of declareCli().commands) {
    const { topic } = notesOf(command);
    const [page = '', anchor] = topic.split('#');
    assert.ok(PAGE_NAMES.includes(page), `${command.name}: ${topic}`);
    if (anchor !== undefined)
      assert.equal((await call('docs', topic)).code, EXIT.ok, `${command.name}: ${topic}`);
    const { out } = await call(...command.name.split(' '), '--help');
    assert.match(out, new RegExp(`^More: bake-ts docs ${topic}\n$`, 'm'), command.name);
  }
});

test('docs lists the pages, and prints one as it is where nobody watches', async () => {
  const { code, out } = await call('docs');
  assert.equal(code, EXIT.ok);
  for (const name of PAGE_NAMES) assert.match(out, new RegExp(`^  ${name}  +\\S`, 'm'));
  for (const written of ['proxy', 'Proxy', 'docs/proxy.md', 'proxy.md'])
    assert.equal((await call('docs', written)).out, await readPage('proxy'), written);
});

test('docs prints a section by its anchor, and by words of its heading', async () => {
  const section = await call('docs', 'cli#exit-codes');
  assert.match(section.out, /^## Exit codes\n[\s\S]*\| 0 \|/);
  assert.deepEqual(await call('docs', 'exit', 'codes'), section);
  assert.deepEqual(await call('docs', 'exit-codes'), section);
  assert.match((await call('docs', 'registry/unauthorized')).out, /^## registry\/unauthorized\n/);
});

test('docs lists what several match, and says what was meant by what none matches', async () => {
  const several = await call('docs', 'failures/d');
  assert.equal(several.code, EXIT.ok);
  const many = await call('docs', 'command');
  assert.match(many.out, /^bake-ts docs reference\/commands\b|^# Commands/m);
  const none = await call('docs', 'prxoy');
  assert.deepEqual([none.code, none.out], [EXIT.usage, '']);
  assert.match(none.err, /cli\/unknown-topic[\s\S]*Did you mean "proxy"\?/);
  const anchor = await call('docs', 'cli#exit-code');
  assert.match(anchor.err, /Did you mean "cli#exit-codes"\?/);
  assert.match((await call('docs', 'nosuchpage#x')).err, /cli\/unknown-topic/);
});

test('on a terminal a page is rendered, and names the pages that it links to', async () => {
  const out = await onTerminal('docs', 'failures');
  assert.ok(out.startsWith('\u001b[1mProblem codes'), out);
  assert.match(out, /Read on: bake-ts docs [\s\S]*failures\/registry/);
  assert.doesNotMatch(out, /\]\(/);
  assert.ok(!(await onTerminal('docs', 'failures', '--color', 'never')).includes('\u001b'));
});

test('why explains every problem code', async () => {
  const pages = await readPages(CODE_PAGES);
  assert.ok(pages.ok);
  const codes = pages.value.flatMap(codesOf);
  assert.ok(codes.length > 150);
  const { code, out } = await call('why', ...codes);
  assert.equal(code, EXIT.ok);
  for (const one of codes) assert.ok(out.includes(`## ${one}\n`), one);
  // Each with an explanation, and without what belongs to the next.
  for (const one of codes.slice(0, 20)) assert.match((await call('why', one)).out, /^## \S+\n\S[\s\S]*$/);
});

test('why takes codes as messages have them, and says which was meant', async () => {
  const plain = await call('why', 'registry/unauthorized');
  assert.deepEqual(await call('why', 'error[registry/unauthorized]:'), plain);
  assert.deepEqual(await call('why', 'unauthorized'), plain);
  const wrong = await call('why', 'registry/unauthorised', 'plan/cycle');
  assert.equal(wrong.code, EXIT.usage);
  assert.match(wrong.out, /^## plan\/cycle\n/);
  assert.match(wrong.err, /cli\/unknown-code[\s\S]*registry\/unauthorized/);
  assert.match((await call('why', 'zzzzzzzz')).err, /bake-ts docs failures/);
  assert.match((await call('why')).err, /cli\/missing-argument/);
});

test('errors on a terminal name the command that explains them, once', async (t) => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const dir = mkdtempSync(`${tmpdir()}/bake-ts-`);
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(`${dir}/builds.yaml`, 'builds:\n  a: { needs: [b], contxt: . }\n');
  const errorsOf = async (isTTY: boolean, ...argv: readonly string[]): Promise<string> => {
    let err = '';
    const stderr = { isTTY, columns: 80, write: (text: string) => (err += text) };
    await runCli(createFakeIo([...argv, '--color', 'never'], { stderr, cwd: dir }));
    return err;
  };
  assert.match(
    await errorsOf(true, 'plan'),
    /\n\nMore: bake-ts why config\/unknown-build config\/unknown-key\n$/,
  );
  assert.doesNotMatch(await errorsOf(false, 'plan'), /bake-ts why/);
  // The hint of these says it all.
  assert.doesNotMatch(await errorsOf(true, 'plan', '--nonsense'), /bake-ts why/);
});
