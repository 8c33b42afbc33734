import { chromium, type Browser, type Page } from 'playwright-core';

/** Chromium as Debian's package `chromium` installs it. */
const EXECUTABLE = '/usr/bin/chromium';
/** Root may not use Chromium's sandbox; the others keep it from calling its maker. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page in Chromium that reaches one origin only, and keeps what went wrong in it. */
export interface OpenPage {
  readonly page: Page;
  /** Requests to other hosts, which were refused; errors of scripts, also those of the content security policy. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** @param running a browser to open the page in, as a visitor of its own; without one, the page has its own browser */
export async function openPage(origin: string, running?: Browser): Promise<OpenPage> {
  const browser = running ?? (await launchBrowser());
  const page = await browser.newPage({ viewport: { width: 1_400, height: 850 } });
  page.setDefaultTimeout(10_000);
  const problems: string[] = [];
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.route('**/*', (route) => {
    const url = new URL(route.request().url());
    if (url.origin === origin || ['data:', 'blob:'].includes(url.protocol)) return route.continue();
    problems.push(`a request to ${url.host}`);
    return route.abort();
  });
  return { page, problems, close: () => (running ? page.close() : browser.close()) };
}
