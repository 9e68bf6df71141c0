/** The report page in a real Chromium: what is shown, what can be done with it, and what must never happen. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { ProblemJson } from '../../lib/model/mod.ts';
import { type PageExtra, renderPage } from '../../lib/page/mod.ts';
import type { RunTimeline } from '../../lib/timeline/mod.ts';
import { browserSkip, openFile, startBrowser } from '../rig/browser.ts';
import { makeTempDir } from '../rig/temp.ts';
import { type MadeRun, makeTimeline } from '../rig/timelines.ts';

const TABS = ['timeline', 'graph', 'builds', 'environment'];
const VIEWPORTS = [
  { width: 390, height: 844 },
  { width: 1400, height: 900 },
];

let browser: Browser;

interface Opening extends BrowserContextOptions {
  readonly hash?: string;
  readonly extra?: PageExtra;
}

/** Opens the page of a run; whatever goes wrong in it fails the test. */
async function openRun(t: TestContext, timeline: RunTimeline, opening: Opening = {}): Promise<Page> {
  const { extra, ...options } = opening;
  const file = path.join(await makeTempDir(t), 'report.html');
  await writeFile(file, await renderPage(timeline, extra));
  const { page, faults, close } = await openFile(browser, file, options);
  t.after(async () => {
    await close();
    assert.deepEqual(faults, [], 'errors, warnings and requests of the page');
  });
  return page;
}

function logsOf(run: MadeRun): PageExtra {
  return { logs: new Map([...run.logs].map(([build, parts]) => [build, { parts, omitted: 0 }])) };
}

/** Waits until something is as it should be; the difference is shown where it never is. */
async function eventually<T>(read: () => Promise<T>, expected: T, message?: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (isDeepStrictEqual(value, expected) || Date.now() > deadline) {
      assert.deepEqual(value, expected, message);
      return;
    }
    await new Promise((done) => setTimeout(done, 30));
  }
}

/** Names in the table that are in sight, from the top. */
function namesOf(page: Page): Promise<string[]> {
  return page.locator('tbody .build-link bdi').allTextContents();
}

describe('the report page', { skip: browserSkip }, () => {
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  it('says at once what happened, what failed and how its log ends', async (t) => {
    const run = makeTimeline({ builds: 60 });
    const page = await openRun(t, run.timeline, { extra: logsOf(run) });
    const failed = run.timeline.builds.find(({ outcome }) => outcome?.kind === 'failed');
    assert.ok(failed !== undefined);
    assert.equal(await page.locator('h1').textContent(), '1 of 60 builds failed');
    assert.match((await page.title()) ?? '', /^1 of 60 builds failed/);
    const card = page.locator('.failure').first();
    assert.ok(await card.getByText(failed.build, { exact: true }).isVisible());
    assert.ok(await card.getByText('1 of 412 tests failed').isVisible());
    assert.ok(await page.getByText(`bake-ts run ${failed.build}`).isVisible());
    // Before anybody scrolls.
    const box = await card.boundingBox();
    assert.ok(box !== null && box.y < 300, `the first failure is ${box?.y} pixels down`);
  });

  it('opens the whole log of a failed build with the failed step first, in colours', async (t) => {
    const run = makeTimeline({ builds: 6 });
    const page = await openRun(t, run.timeline, { extra: logsOf(run) });
    await page.getByRole('button', { name: 'Full log and details' }).click();
    const details = page.getByRole('complementary');
    const first = details.locator('.step').first();
    assert.match((await first.textContent()) ?? '', /^failed.*RUN npm test/);
    const red = first.locator('.fg-red', { hasText: 'the total of an order has its tax in it' });
    assert.ok(await red.isVisible());
    assert.equal(await first.locator('.fg-green').first().textContent(), '✓');
    assert.ok(!((await first.textContent()) ?? '').includes('\u001b'));
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
    await eventually(focused, 'Full log and details', 'the focus goes back to where it was');
  });

  it('sorts the table by each column, with those without a value last', async (t) => {
    const { timeline } = makeTimeline({ builds: 30 });
    const page = await openRun(t, timeline, { hash: '#tab=builds' });
    await page.getByRole('button', { name: 'Size', exact: true }).click();
    const sizes = timeline.builds.map(({ build, outcome }) => ({ build, size: outcome?.sizeBytes ?? -1 }));
    const expected = [...sizes].sort((a, b) => b.size - a.size).filter(({ size }) => size >= 0);
    await eventually(
      async () => (await namesOf(page)).slice(0, expected.length),
      expected.map(({ build }) => build),
    );
    assert.equal((await namesOf(page)).length, 30);
    await page.getByRole('button', { name: 'Size', exact: true }).click();
    await eventually(async () => (await namesOf(page))[0], expected.at(-1)?.build);
    assert.equal(
      await page.getByRole('columnheader', { name: 'Size', exact: true }).getAttribute('aria-sort'),
      'ascending',
    );
  });

  it('filters by words and by result from the keyboard', async (t) => {
    const { timeline } = makeTimeline({ builds: 60 });
    const page = await openRun(t, timeline, { hash: '#tab=builds' });
    await page.keyboard.press('/');
    await page.keyboard.type('mail');
    const wanted = timeline.builds.filter(({ build }) => build.includes('mail')).map(({ build }) => build);
    await eventually(async () => (await namesOf(page)).sort(), [...wanted].sort());
    assert.match(
      (await page.locator('.count').textContent()) ?? '',
      new RegExp(`^${wanted.length} of 60 builds`),
    );
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /failed 1/ }).click();
    await eventually(async () => (await namesOf(page)).length, 1);
    await page.reload();
    await eventually(async () => (await namesOf(page)).length, 1, 'the address keeps the filter');
  });

  it('goes through tabs and rows with arrow keys', async (t) => {
    const { timeline } = makeTimeline({ builds: 100 });
    const page = await openRun(t, timeline);
    await page.getByRole('tab', { name: 'Timeline' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.getByRole('tab', { name: 'Builds' }).getAttribute('aria-selected'), 'true');
    await eventually(() => page.evaluate('document.activeElement.id'), 'tab-builds');
    await page.locator('tbody .build-link').first().focus();
    // Rows that were not there yet are reached; on a slow machine each key has to be waited for.
    for (let place = 10; place <= 70; place += 10) {
      await page.keyboard.press('PageDown');
      await eventually(
        () => page.evaluate('document.activeElement.closest("tr")?.dataset.place'),
        String(place),
      );
    }
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').waitFor();
  });

  it('shows one build with what it needs and what needs it', async (t) => {
    const { timeline } = makeTimeline({ builds: 60 });
    const page = await openRun(t, timeline, { hash: '#tab=graph' });
    const note = page.locator('.chart-tools');
    assert.match((await note.textContent()) ?? '', /60 builds/);
    const name = await pointAtSome(page, /needs [1-9].*needed by [1-9]/);
    await page.mouse.down();
    await page.mouse.up();
    assert.ok(await page.getByRole('complementary', { name: `Build ${name}` }).isVisible());
    await page.getByRole('button', { name: 'Only its part of the graph' }).click();
    const relatives = relativesOf(timeline, name);
    assert.ok(relatives.size < 60);
    await note.getByText(`needs and what needs it: ${relatives.size} builds`).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Show all' }).click();
    await note.getByText('60 builds').waitFor();
  });

  it('is walked through by keys in the graph and on the timeline', async (t) => {
    const { timeline } = makeTimeline({ builds: 60 });
    const page = await openRun(t, timeline, { hash: '#tab=graph' });
    await page.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    const tip = page.locator('.tip');
    await tip.getByText('needs 0').waitFor();
    await page.keyboard.press('ArrowRight');
    await tip.getByText(/needs [1-9]/).waitFor();
    await page.keyboard.press('f');
    await page.getByRole('button', { name: 'Show all' }).waitFor();
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByRole('application').focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', '+', '+', '-', '0'])
      await page.keyboard.press(key);
    await tip.getByText(/Without it|shorter without it/).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').waitFor();
  });

  it('zooms the timeline by wheel and tells what a build costs', async (t) => {
    const { timeline } = makeTimeline({ builds: 60 });
    const page = await openRun(t, timeline);
    const canvas = page.locator('canvas');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    assert.ok(box !== null);
    const picture = (): Promise<unknown> => page.evaluate('document.querySelector("canvas").toDataURL()');
    const still = await picture();
    await page.mouse.move(box.x + 400, box.y + 70);
    await page.locator('.tip').waitFor();
    await eventually(async () => (await picture()) !== still, true, 'what is pointed at is marked');
    const hovered = await picture();
    await page.mouse.wheel(0, -400);
    await eventually(async () => (await picture()) !== hovered, true, 'the wheel zooms');
  });

  it('has lanes of the builds that match the filter alone, and says how many', async (t) => {
    const { timeline } = makeTimeline({ builds: 60 });
    const page = await openRun(t, timeline);
    await page.getByRole('button', { name: 'By build' }).click();
    const heightOf = async (): Promise<number> => (await page.locator('canvas').boundingBox())?.height ?? 0;
    const all = await heightOf();
    await page.locator('#filter').fill('mail');
    const wanted = timeline.builds.filter(({ build }) => build.includes('mail')).length;
    await page.getByText(`${wanted} of 60 builds`).waitFor();
    await eventually(async () => (await heightOf()) < all / 2, true, 'there are no empty lanes');
    await page.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.tip').getByText('mail').first().waitFor();
    await page.locator('#filter').fill('nothing at all');
    await page.getByText('No build matches the filter.').waitFor();
  });

  it('says once what several builds failed of, and what the run waited for', async (t) => {
    const { timeline } = makeTimeline({ builds: 60, failures: 3 });
    const problem: ProblemJson = {
      severity: 'error',
      code: 'registry/unreachable',
      message: 'the registry is down',
    };
    const builds = timeline.builds.map((one) =>
      one.outcome?.kind === 'failed' ? { ...one, outcome: { ...one.outcome, problem } } : one,
    );
    const page = await openRun(t, { ...timeline, builds });
    const names = builds.filter(({ outcome }) => outcome?.kind === 'failed').map(({ build }) => build);
    assert.equal(await page.locator('.failure').count(), 1);
    assert.match((await page.locator('.failure').textContent()) ?? '', /and 2 more builds/);
    for (const name of names.slice(1))
      assert.ok(await page.locator('.failure .build-link', { hasText: name }).isVisible());
    assert.match(
      (await page.locator('.facts').textContent()) ?? '',
      / \d+:\d\d( [AP]M)? (UTC|GMT\S*|[A-Z]{3,5}) · /,
    );
    const dearest = await page.locator('.figure', { hasText: 'Costs the run most' }).textContent();
    assert.ok(
      names.every((name) => !dearest?.includes(name)),
      dearest ?? '',
    );
    await page.locator('.figure', { hasText: 'Waited for' }).getByText('2.0s').waitFor();
    await page.locator('#tab-environment').click();
    const waits = page.locator('section', { hasText: 'Waits' });
    await waits.getByText('answered 503').waitFor();
  });

  it('shows hostile names, reasons and logs as text, and lets nothing run or be fetched', async (t) => {
    const evil = `</script><script>window.hacked=1</script><img src="http://127.0.0.1:9/x" onerror="window.hacked=2"><!--`;
    const run = makeTimeline({ builds: 6 });
    const page = await openRun(t, spoil(run.timeline, evil), {
      hash: '#tab=builds',
      extra: {
        logs: new Map([
          [
            `0${evil}`,
            {
              parts: [
                {
                  step: '',
                  attempt: 1,
                  text: `\u001b[31m${evil}\u001b]8;;http://127.0.0.1:9/\u0007link\u001b[0m\n`,
                },
              ],
              omitted: 5,
            },
          ],
          ['__proto__', { parts: [], omitted: 0 }],
        ]),
        rerun: `bake-ts run '${evil}'`,
        environment: [[evil, evil]],
        previous: new Map([['__proto__', { sizeBytes: 1 }]]),
      },
    });
    const names = await namesOf(page);
    assert.ok(names.includes(`0${evil}`), names.join('\n'));
    await page.getByText(`0${evil}`, { exact: true }).last().click();
    assert.ok((await page.getByRole('complementary').textContent())?.includes(evil));
    for (const tab of TABS) await page.locator(`#tab-${tab}`).click();
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.equal(await page.locator('img').count(), 0);
  });

  it('has a policy under which nothing runs or is fetched even if it got in', async (t) => {
    const { timeline } = makeTimeline({ builds: 6 });
    const file = path.join(await makeTempDir(t), 'report.html');
    await writeFile(file, await renderPage(timeline));
    const { page, faults, close } = await openFile(browser, file);
    t.after(close);
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x" onerror="window.hacked=1"><p onclick="window.hacked=2" id="got-in">x</p>')`,
    );
    await page.locator('#got-in').click();
    assert.equal(
      await page.evaluate('fetch("http://127.0.0.1:9/").then(() => "sent", () => "refused")'),
      'refused',
    );
    assert.equal(await page.evaluate('window.hacked'), undefined);
    // What playwright sees as a request may have been refused before it was sent: the browser says so itself.
    assert.ok(faults.filter((one) => one.includes('Content Security Policy')).length >= 3, faults.join('\n'));
  });

  for (const viewport of VIEWPORTS) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`is accessible and fits at ${viewport.width} pixels, ${colorScheme}`, async (t) => {
        const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
        const run = makeTimeline({ builds: 60, failures: 3 });
        const page = await openRun(t, run.timeline, {
          extra: logsOf(run),
          viewport,
          colorScheme,
          reducedMotion: 'reduce',
          bypassCSP: true,
        });
        await page.evaluate(axe);
        for (const tab of TABS) {
          await page.locator(`#tab-${tab}`).click();
          await checkPage(page, `${tab}`);
        }
        await page.getByRole('button', { name: 'Full log and details' }).first().click();
        await checkPage(page, 'details');
      });
    }
  }

  it('changes its colours by the switch, and keeps to it', async (t) => {
    const { timeline } = makeTimeline({ builds: 6 });
    const page = await openRun(t, timeline, { colorScheme: 'light' });
    const ground = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    const button = page.getByRole('button', { name: /colours; change/ });
    await button.click();
    await page.locator('html[data-theme="light"]').waitFor();
    assert.equal(await ground(), light);
    await button.click();
    await page.locator('html[data-theme="dark"]').waitFor();
    assert.notEqual(await ground(), light);
    await page.reload();
    await page.locator('html[data-theme="dark"]').waitFor();
  });

  it('shows 1,000 builds without a stutter', async (t) => {
    const run = makeTimeline({ builds: 1000, slots: 16 });
    const page = await openRun(t, run.timeline, { extra: logsOf(run) });
    await page.locator('#tab-builds').click();
    const rows = await page.locator('tbody tr').count();
    assert.ok(rows < 80, `${rows} rows are there at once`);
    for (const tab of ['timeline', 'graph']) {
      await page.locator(`#tab-${tab}`).click();
      const busyMs = await measureFrames(page, tab === 'timeline' ? 'canvas' : '.graph');
      t.diagnostic(`${tab}: ${busyMs.toFixed(1)} ms of work for each frame of zooming and pointing`);
      assert.ok(busyMs < 50, `${tab}: ${busyMs} ms for each frame`);
    }
  });

  it('shows a plan as a graph and a table', async (t) => {
    const { timeline } = makeTimeline({ builds: 40 });
    const builds = timeline.builds.map(
      ({ outcome: _outcome, decision: _decision, inputs: _inputs, ...rest }) => ({
        ...rest,
        phases: [],
        steps: [],
        waits: [],
      }),
    );
    const { summary: _summary, engine: _engine, ...rest } = timeline;
    const page = await openRun(
      t,
      { ...rest, builds, durationMs: 0, finished: false },
      { extra: { kind: 'plan' } },
    );
    assert.equal(await page.locator('h1').textContent(), '40 builds planned');
    assert.deepEqual(await page.getByRole('tab').allTextContents(), ['Graph', 'Builds', 'Environment1']);
    await page.locator('#tab-builds').click();
    assert.equal(await page.locator('table').getAttribute('aria-rowcount'), '41');
    assert.ok(await page.getByRole('columnheader', { name: 'Needed by' }).isVisible());
  });

  it('tells what failed where scripts are not run', async (t) => {
    const { timeline } = makeTimeline({ builds: 6 });
    const page = await openRun(t, timeline, { javaScriptEnabled: false });
    assert.equal(await page.locator('h1').textContent(), '1 of 6 builds failed');
    assert.ok(await page.getByText('1 of 412 tests failed').isVisible());
  });
});

/** Points at places of the graph until something that is wanted is said; gives the name of the build. */
async function pointAtSome(page: Page, wanted: RegExp): Promise<string> {
  const graph = page.locator('.graph');
  await graph.scrollIntoViewIfNeeded();
  const box = await graph.boundingBox();
  assert.ok(box !== null);
  for (let x = box.x + 40; x < box.x + box.width; x += 90) {
    for (let y = box.y + box.height / 2; y < box.y + box.height / 2 + 60; y += 10) {
      await page.mouse.move(x, y);
      const tip = page.locator('#graph-tip');
      if ((await tip.isVisible()) && wanted.test((await tip.textContent()) ?? '')) {
        return (await tip.locator('bdi').textContent()) ?? '';
      }
    }
  }
  throw new Error('no build of the graph says so');
}

interface AxeResult {
  readonly id: string;
  readonly help: string;
  readonly targets: readonly string[];
}

/** No finding of axe, and nothing that makes the page wider than its window. */
async function checkPage(page: Page, what: string): Promise<void> {
  const found = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => ({ id, help, targets: nodes.slice(0, 4).map((one) => one.target.join(' ') + ': ' + one.failureSummary) })))`,
  )) as readonly AxeResult[];
  assert.deepEqual(found, [], what);
  const [wide, room] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as readonly [number, number];
  assert.ok(wide <= room, `${what}: ${wide} pixels wide, and there are ${room}`);
}

/** Zooms and points at things for a while; gives the milliseconds that the page worked for each frame. */
async function measureFrames(page: Page, selector: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  // Time on the processor: what else the machine does must not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taskMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000;
  };
  const frames = 40;
  const before = await taskMs();
  await page.evaluate(`(async () => {
    const target = document.querySelector('${selector}');
    target.scrollIntoView();
    const box = target.getBoundingClientRect();
    for (let at = 0; at < ${frames}; at += 1) {
      const place = { bubbles: true, cancelable: true, clientX: box.left + 200 + at * 8, clientY: box.top + 120 + at * 3 };
      target.dispatchEvent(new PointerEvent('pointermove', place));
      target.dispatchEvent(new WheelEvent('wheel', { ...place, deltaY: at < 20 ? -60 : 60 }));
      await new Promise((done) => requestAnimationFrame(done));
    }
  })()`);
  return ((await taskMs()) - before) / frames;
}

/** A build, all that it needs, and all that needs it. */
function relativesOf({ builds }: RunTimeline, name: string): ReadonlySet<string> {
  const found = new Set([name]);
  const up = (one: string): void => {
    for (const need of builds.find(({ build }) => build === one)?.needs ?? []) {
      found.add(need);
      up(need);
    }
  };
  const down = (one: string): void => {
    for (const { build } of builds.filter(({ needs }) => needs.includes(one))) {
      found.add(build);
      down(build);
    }
  };
  up(name);
  down(name);
  return found;
}

/** Puts a text wherever a run's data may hold text of others. */
function spoil(timeline: RunTimeline, evil: string): RunTimeline {
  const change = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((one) => change(one, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one, name)]));
    }
    const isFree = [
      'text',
      'items',
      'message',
      'hint',
      'detail',
      'error',
      'name',
      'ref',
      'file',
      'command',
      'root',
      'address',
    ];
    return typeof value === 'string' && isFree.includes(key) ? `${value} ${evil}` : value;
  };
  const renamed = new Map(
    timeline.builds.map(({ build }, at) => [build, at === 1 ? '__proto__' : `${at}${evil}`]),
  );
  const spoiled = change(timeline, '') as RunTimeline;
  return {
    ...spoiled,
    builds: spoiled.builds.map((one) => ({
      ...one,
      build: renamed.get(one.build) ?? evil,
      needs: one.needs.map((need) => renamed.get(need) ?? evil),
    })),
  };
}
