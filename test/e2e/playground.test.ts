/** The playground in a real Chromium: the planner runs in the page, and nothing leaves it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { browserSkip, openFile, startBrowser } from '../rig/browser.ts';
import { repoPath } from '../rig/paths.ts';

let browser: Browser;
let dir: string;
let file: string;

/** Opens the page; whatever goes wrong in it, and each request that it makes, fails the test. */
async function openPlayground(t: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
  const { page, faults, close } = await openFile(browser, file, options);
  t.after(async () => {
    await close();
    assert.deepEqual(faults, [], 'errors, warnings and requests of the page');
  });
  await page.locator('#plan-size').waitFor();
  return page;
}

function buildsOf(page: Page): Promise<string[]> {
  return page.locator('.plan-table tbody th button').allTextContents();
}

/** Puts a text into a file, which is made where it is not there. */
async function write(page: Page, name: string, text: string): Promise<void> {
  await page.getByLabel('New file').fill(name);
  await page.keyboard.press('Enter');
  await page.getByLabel(`Text of ${name}`).fill(text);
}

describe('the playground', { skip: browserSkip }, () => {
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'bake-ts-playground-'));
    file = path.join(dir, 'playground.html');
    const script = repoPath('.ci/playground.mjs');
    [, browser] = await Promise.all([promisify(execFile)(process.execPath, [script, file]), startBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('shows the plan of its example in order, as a table and as a graph', async (t) => {
    const page = await openPlayground(t);
    assert.equal(await page.locator('#problem-count').textContent(), 'None');
    assert.equal(await page.locator('#plan-size').textContent(), '5 builds in 2 levels');
    assert.deepEqual(await buildsOf(page), ['base', 'assets', 'api-3.12', 'api-3.13', 'web']);
    const web = page.getByRole('row').filter({ has: page.getByRole('button', { name: 'web', exact: true }) });
    assert.match((await web.textContent()) ?? '', /base \(context\), assets \(context\)push.*shop\/web:dev/);
    // Drawn: a node is pointed at by keys, and the picture is not empty.
    await page.locator('.graph').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('#graph-tip bdi').waitFor();
    assert.equal(await page.locator('#graph-tip bdi').textContent(), 'base');
    const colours = await page.evaluate(`(() => {
      const canvas = document.querySelector('.graph canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`);
    assert.ok(Number(colours) > 10, `${colours} colours`);
  });

  it('shows what is wrong with its place, and goes there', async (t) => {
    const page = await openPlayground(t);
    await write(page, 'builds.yaml', 'builds:\n  base: { context: images/base }\n  app: { contxt: web }\n');
    const problem = page.locator('.problems li');
    await problem.getByText('config/unknown-key').waitFor();
    assert.equal(await page.locator('#problem-count').textContent(), '1 error');
    assert.match((await problem.textContent()) ?? '', /There is no key "contxt".*Did you mean "context"\?/);
    assert.equal(await page.locator('.plan-table').count(), 0);
    await page.getByRole('button', { name: 'web/Dockerfile', exact: true }).click();
    await page.getByRole('button', { name: 'builds.yaml:3:10' }).click();
    await page.getByLabel('Text of builds.yaml').waitFor();
    const chosen = '(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))';
    await page.waitForFunction(`${chosen}(document.activeElement) === 'contxt'`);
    // Typed over what is marked.
    await page.keyboard.type('context');
    await page.locator('#plan-size').waitFor();
    assert.deepEqual(await buildsOf(page), ['base', 'app']);
  });

  it('follows what is edited: Dockerfiles, selection, missing files', async (t) => {
    const page = await openPlayground(t);
    await write(page, 'web/Dockerfile', 'FROM base\n');
    await page.getByRole('cell', { name: 'base (context)', exact: true }).nth(2).waitFor();
    await page.getByLabel('Builds to plan').fill('web');
    await page.locator('#plan-size', { hasText: '2 builds in 2 levels' }).waitFor();
    await page.getByLabel('Builds to plan').fill('wep');
    await page.locator('.problems', { hasText: 'plan/unknown-build' }).waitFor();
    await page.getByLabel('Builds to plan').fill('');
    await page.getByRole('button', { name: 'Remove web/Dockerfile' }).click();
    await page.locator('.problems', { hasText: 'dockerfile/missing' }).waitFor();
    await page.getByRole('button', { name: 'Back to the example' }).click();
    await page.locator('#problem-count', { hasText: 'None' }).waitFor();
  });

  it('evaluates expressions, digests and schemas, and reads bake and Compose files', async (t) => {
    const page = await openPlayground(t);
    const text = [
      'vars:',
      '  PORT: { default: 80, schema: { type: integer, minimum: 1024 } }',
      'builds:',
      `  web: { tags: ["web:\${{ sha256('a').substring(0, 8) }}"] }`,
    ].join('\n');
    await write(page, 'builds.yaml', text);
    await page.locator('.problems', { hasText: '1024' }).waitFor();
    await write(page, 'builds.yaml', text.replace('default: 80', 'default: 8080'));
    await page.getByRole('cell', { name: 'web:ca978112' }).waitFor();
    await page.getByRole('button', { name: 'Remove builds.yaml' }).click();
    await write(
      page,
      'docker-bake.hcl',
      'target "default" {\n  context = "web"\n  tags = ["x:${sha1("a")}"]\n}\n',
    );
    await page.getByRole('cell', { name: 'x:86f7e437faa5a7fce15d1ddcb9eaeaea377667b8' }).waitFor();
    await page.getByRole('button', { name: 'Remove docker-bake.hcl' }).click();
    await write(page, 'compose.yaml', 'services:\n  shop:\n    build: web\n    image: shop:1\n');
    await page.getByRole('cell', { name: 'shop:1' }).waitFor();
    assert.deepEqual(await buildsOf(page), ['shop']);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1400]) {
      it(`is accessible and fits at ${width} pixels, ${colorScheme}`, async (t) => {
        const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
        const viewport = { width, height: 900 };
        const page = await openPlayground(t, {
          viewport,
          colorScheme,
          reducedMotion: 'reduce',
          bypassCSP: true,
        });
        await page.evaluate(axe);
        await checkPage(page, 'a plan');
        await page.getByRole('button', { name: 'web', exact: true }).click();
        await page.getByLabel('Builds to plan').fill('wep');
        await page.locator('.problems', { hasText: 'plan/unknown-build' }).waitFor();
        await checkPage(page, 'a problem');
      });
    }
  }
});

/** No finding of axe, and nothing that makes the page wider than its window. */
async function checkPage(page: Page, what: string): Promise<void> {
  const found = await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => ({ id, help, targets: nodes.slice(0, 4).map((one) => one.target.join(' ') + ': ' + one.failureSummary) })))`,
  );
  assert.deepEqual(found, [], what);
  const isWide = await page.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  assert.equal(isWide, false, `${what}: wider than its window`);
}
