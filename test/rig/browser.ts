/** A real browser for tests of pages: Chromium, driven by playwright. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Where it is; undefined where there is none. `BAKE_TS_TEST_CHROMIUM` names another one. */
export const chromiumPath: string | undefined = findChromium();

/**
 * Why tests with it are skipped; false where they run. CI sets `BAKE_TS_TEST_BROWSER`: there they fail instead, so that
 * nobody takes a machine without a browser for a page that works.
 */
export const browserSkip: string | false =
  chromiumPath !== undefined || process.env['BAKE_TS_TEST_BROWSER'] === '1'
    ? false
    : 'needs chromium (Debian: apt-get install chromium)';

function findChromium(): string | undefined {
  const named = process.env['BAKE_TS_TEST_CHROMIUM'];
  if (named) return named;
  const dirs = (process.env['PATH'] ?? '').split(path.delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return dirs.flatMap((dir) => names.map((name) => path.join(dir, name))).find((file) => existsSync(file));
}

/** Starts it. Close it when all is done. */
export function startBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('there is no chromium');
  // What is opened is what the tests wrote themselves, and containers have no user namespaces for the sandbox.
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

/** An open page, with everything that should not have happened in it. */
export interface OpenPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, and requests that left the file. */
  readonly faults: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens a file as a double click does. */
export async function openFile(
  browser: Browser,
  file: string,
  options: BrowserContextOptions & { readonly hash?: string } = {},
): Promise<OpenPage> {
  const { hash = '', ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) faults.push(`request: ${request.url()}`);
  });
  await page.goto(`file://${file}${hash}`);
  return { page, faults, close: () => context.close() };
}
