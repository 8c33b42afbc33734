import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { rm } from 'node:fs/promises';
import { openPage, type OpenPage } from '../support/browser.js';
import { closeWorkplaces, until, Workplace, type Child } from '../support/process.js';

/** A key that was never made. */
const UNKNOWN_KEY = 'gme_live_aaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const TABS = ['Games', 'Search', 'Details', 'Preview'];

let workplace: Workplace;
let server: Child;
let origin: string;
let open: OpenPage;
let page: Page;
let run: Locator;
let answer: Locator;

beforeAll(async () => {
  workplace = await Workplace.create();
  server = await workplace.serve();
  origin = await server.origin();
}, 120_000);
afterAll(closeWorkplaces);

beforeEach(async () => {
  open = await openPage(origin);
  page = open.page;
  await page.setViewportSize({ width: 1_280, height: 800 });
  run = page.getByRole('button', { name: /Execute query/ });
  answer = page.locator('.graphiql-response');
});
afterEach(() => open.close());

describe('on the first visit', () => {
  test('the first operation is answered already, the next one by one press, and a Game is explained', async () => {
    const started = performance.now();
    await page.goto(origin);
    await answer.getByText('"totalCount": 29').waitFor();
    process.stderr.write(
      `GraphiQL answers ${Math.round(performance.now() - started)} ms after it is opened.\n`,
    );
    const cost = page.locator('#cost');
    await cost
      .getByText(
        /^Cost [\d,]+, estimated 5\d\d · database [\d.]+ ms · 5,9[\d,]+ of 6,000,000 left, all again in \d+ s$/,
      )
      .waitFor();
    await picture('first-visit');

    expect(await tabs()).toEqual(TABS);
    await tab('Preview').click();
    await answer.getByText('Press ▶').waitFor();
    await run.click();
    await answer.getByText('"count":').waitFor();
    await answer.getByText('"requested":').waitFor();
    await picture('preview');

    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const docs = page.locator('.graphiql-doc-explorer');
    await docs.getByText('Reads and writes the games of GAME').waitFor();
    const search = docs.locator('input');
    expect((await box(search)).width).toBeGreaterThanOrEqual(90);
    await picture('docs-begin');
    await page.getByRole('link', { name: 'Game', exact: true }).click();
    await docs.getByText('A game: users collect points in its tasks').first().waitFor();
    await docs.getByText("The client's own name of the game").first().waitFor();
    await picture('docs');
    expect(open.problems).toEqual([]);
  }, 60_000);

  test('a link is not run before somebody asks for it', async () => {
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.postData() ?? ''));
    await page.goto(`${origin}/?query=${encodeURIComponent('query Linked { games { totalCount } }')}`);
    await answer.getByText('Press ▶').waitFor();
    await until(() => sent.some((body) => body.includes('IntrospectionQuery')));
    expect(sent.filter((body) => body.includes('Linked'))).toEqual([]);
    await run.click();
    await answer.getByText('"totalCount": 29').waitFor();
    expect(await tabs()).toEqual(['Linked']);
  }, 60_000);

  test('no line of the operations ends beyond the editor', async () => {
    await visit();
    for (const name of TABS) {
      await tab(name).click();
      await editor()
        .getByText(`${name === 'Preview' ? 'mutation' : 'query'} ${name}`)
        .waitFor();
      await until(
        async () => !(await isCut(editor())),
        () => `${name} is cut at the right edge.`,
        5_000,
      );
      await picture(`operation-${name.toLowerCase()}`);
    }
    expect(await isCut(headerEditor())).toBe(false);
  }, 60_000);
});

describe('tabs', () => {
  test('stay where they are under the pointer', async () => {
    await visit();
    await hasItsFonts();
    for (const name of ['Details', 'Search', 'Preview']) {
      const before = await boxes();
      await tab(name).hover();
      await page.mouse.down();
      expect(await boxes()).toEqual(before);
      await page.mouse.up();
      await tab(name).and(page.locator('[aria-selected=true]')).waitFor();
      expect(await boxes()).toEqual(before);
      expect(await tabs()).toEqual(TABS);
    }
  }, 60_000);

  test('are chosen by the keyboard', async () => {
    await visit();
    await page.getByRole('button', { name: 'Games', exact: true }).focus();
    // From one tab to the next are its name and the button that closes it.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await picture('keyboard');
    await page.keyboard.press('Enter');
    await tab('Search').and(page.locator('[aria-selected=true]')).waitFor();
    await editor().getByText('query Search').waitFor();
    expect(await tabs()).toEqual(TABS);
  }, 60_000);

  test('are the same after a reload, with the one in front that was', async () => {
    await visit();
    await stored((state) => state.tabs.length === TABS.length);
    await page.reload();
    await tab('Games').and(page.locator('[aria-selected=true]')).waitFor();
    expect(await tabs()).toEqual(TABS);
    await picture('reloaded');
    await run.click();
    await answer.getByText('"totalCount": 29').waitFor();

    await tab('Details').click();
    await stored((state) => state.activeTabIndex === 2);
    await page.reload();
    await tab('Details').and(page.locator('[aria-selected=true]')).waitFor();
    expect(await tabs()).toEqual(TABS);
    await run.click();
    await answer.getByText('"leaderboard"').first().waitFor();
    expect(open.problems).toEqual([]);
  }, 60_000);

  test('have their operation run by whoever presses at once', async () => {
    await page.goto(origin);
    await answer.getByText('"totalCount": 29').waitFor();
    await run.waitFor();
    // No hand is that fast, but a browser that is slow is later with what it does after the first press.
    await page.evaluate(`
      document.getElementById('graphiql-session-tab-3').click();
      document.querySelector('.graphiql-execute-button').click();`);
    await answer.getByText('"count":').waitFor();
    expect(open.problems).toEqual([]);
  }, 60_000);

  test('that are empty say so when they are run, and what cannot be read is told by the server', async () => {
    await visit();
    await page.getByRole('button', { name: 'New tab' }).click();
    await editor().click();
    await page.keyboard.type('# later');
    await run.click();
    await answer.getByText('There is nothing to run').waitFor();
    await picture('empty-tab');
    await editor().click();
    await page.keyboard.press('End');
    await page.keyboard.type('\nquery');
    await run.click();
    await answer.getByText('GRAPHQL_PARSE_FAILED').waitFor();
    expect(await answer.innerText()).not.toMatch(/stack|graphiql\.js/);
  }, 60_000);
});

describe('on a phone', () => {
  test('operation and answer are below each other, and both are usable', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(origin);
    await answer.getByText('"totalCount": 29').waitFor();
    await picture('phone');
    const upper = await box(editor());
    const lower = await box(answer);
    expect(upper.width).toBeGreaterThan(270);
    expect(lower.width).toBeGreaterThan(350);
    expect(upper.height).toBeGreaterThan(200);
    expect(lower.height).toBeGreaterThan(200);
    expect(lower.y).toBeGreaterThanOrEqual(upper.y + upper.height);
    expect(lower.y + lower.height).toBeLessThanOrEqual(844);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);

    await tab('Details').click();
    await run.click();
    await answer.getByText('"externalGameId"').first().waitFor();
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool').getByText('X-API-Key').waitFor();
    await picture('phone-headers');
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.locator('.graphiql-doc-explorer').getByText('Query').first().waitFor();
    await picture('phone-docs');
    expect((await box(page.locator('.graphiql-plugin'))).width).toBeGreaterThan(330);
    await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
    await run.waitFor();
  }, 60_000);
});

describe('on a phone, the tab in front', () => {
  test('is in sight after it was added, and after a reload', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await visit();
    await hasItsFonts();
    await page.getByRole('button', { name: 'New tab' }).click();
    await inSight('added');
    await stored((state) => state.activeTabIndex === TABS.length);
    await page.reload();
    await inSight('reloaded');
    await tab('Games').click();
    await inSight('clicked');
    expect(await page.locator('[role=tab][aria-selected=true]').innerText()).toContain('Games');
  }, 60_000);

  /** Waits until the whole tab is what a finger in its place would meet. */
  async function inSight(name: string): Promise<void> {
    await page.locator('[role=tab][aria-selected=true]').waitFor();
    try {
      await until(
        () =>
          page.evaluate<boolean>(`(() => {
            const tab = document.querySelector('[role=tab][aria-selected=true]');
            const { left, right, top, bottom } = tab.getBoundingClientRect();
            const isMet = (x) => tab.contains(document.elementFromPoint(x, (top + bottom) / 2));
            return left >= 0 && right <= innerWidth && isMet(left + 8) && isMet(right - 8);
          })()`),
        () => 'The tab in front is not in sight.',
        5_000,
      );
    } finally {
      await picture(`phone-tab-${name}`);
    }
  }
});

describe('a key that is refused', () => {
  test('is replaced when it is the one of a demo that is gone, and that is said', async () => {
    await visit();
    const old = await key();
    await startAnew();
    await page.reload();
    const notice = page.getByRole('status').getByText('API key');
    await notice.waitFor();
    await picture('new-demo');
    await run.click();
    await answer.getByText('"totalCount": 29').waitFor();
    await tab('Search').click();
    await run.click();
    await answer.getByText('"totalCount":').waitFor();
    expect(await key()).not.toBe(old);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await notice.waitFor({ state: 'hidden' });
    await page.reload();
    await run.click();
    await answer.getByText('"totalCount":').waitFor();
    expect(await notice.isVisible()).toBe(false);
  }, 150_000);

  test('is told to a page that is still open when the demo is started anew', async () => {
    await visit();
    await startAnew();
    await run.click();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('status').getByText('API key').waitFor();
    await run.click();
    await answer.getByText('"totalCount": 29').waitFor();
    expect(await tabs()).toEqual(TABS);
  }, 150_000);

  test('is replaced only on demand when somebody typed it', async () => {
    await visit();
    // The editor closes what is opened.
    await editHeaders(`{ "x-api-key": "${UNKNOWN_KEY}"`);
    await page.reload();
    await run.click();
    await answer.getByText('The API key is unknown or inactive.').waitFor();
    const use = page.getByRole('button', { name: "Use the demo's key" });
    await use.waitFor();
    expect(await key()).toBe(UNKNOWN_KEY);
    await picture('refused-key');
    await use.click();
    await until(async () => (await key()) !== UNKNOWN_KEY);
    await run.click();
    await answer.getByText('"totalCount": 29').waitFor();
    expect(await use.isVisible()).toBe(false);
  }, 60_000);
});

/** Opens GraphiQL, and waits until its operation is there. */
async function visit(): Promise<void> {
  await page.goto(origin);
  await editor().getByText('query Games').waitFor();
}

function editor(): Locator {
  return page.locator('.graphiql-query-editor .graphiql-editor');
}

function headerEditor(): Locator {
  return page.locator('.graphiql-editor-tool .graphiql-editor').last();
}

function tab(name: string): Locator {
  return page.getByRole('tab', { name });
}

function tabs(): Promise<string[]> {
  return page.getByRole('tab').allInnerTexts();
}

async function boxes(): Promise<Record<string, { x: number; y: number }>> {
  const places = await Promise.all((await page.getByRole('tab').all()).map(box));
  return Object.fromEntries(places.map((place, index) => [TABS[index] ?? '', place]));
}

async function box(of: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const place = await of.boundingBox();
  if (place === null) throw new Error('It is not to be seen.');
  return place;
}

/** Widths change once more when the fonts have come. */
async function hasItsFonts(): Promise<void> {
  await page.evaluate('document.fonts.ready');
}

interface Shown {
  getBoundingClientRect(): { readonly right: number };
  querySelectorAll(css: string): Iterable<Shown>;
}

/** Whether a line is wider than what is shown of it. */
function isCut(of: Locator): Promise<boolean> {
  return of.evaluate((whole: Shown) => {
    const { right } = whole.getBoundingClientRect();
    return [...whole.querySelectorAll('.view-line > span')].some(
      (line) => line.getBoundingClientRect().right > right,
    );
  });
}

interface Tabs {
  readonly tabs: readonly { readonly headers: string | null }[];
  readonly activeTabIndex: number;
}

/** Waits until the browser keeps what GraphiQL tells it with a delay. */
async function stored(isSo: (state: Tabs) => boolean): Promise<void> {
  await until(async () => {
    const text = await page.evaluate<string | null>("localStorage.getItem('graphiql:tabState')");
    return text !== null && isSo(JSON.parse(text) as Tabs);
  });
}

/** The key in the headers of the tab in front. */
async function key(): Promise<string> {
  const text = await page.locator('.graphiql-editor-tool .view-lines').last().innerText();
  return /gme_live_[\w.-]+/.exec(text.replaceAll(/\s/g, ''))?.[0] ?? '';
}

async function editHeaders(text: string): Promise<void> {
  await headerEditor().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
  await stored((state) => state.tabs.some(({ headers }) => headers?.includes(UNKNOWN_KEY) === true));
}

/** Deletes the embedded database, as the README says, and starts the server at the same place. */
async function startAnew(): Promise<void> {
  server.signal('SIGTERM');
  await server.ended();
  await rm(workplace.data, { recursive: true });
  server = await workplace.serve({ PORT: new URL(origin).port });
}

async function picture(name: string): Promise<void> {
  if (process.env['SCREENSHOTS'])
    await page.screenshot({ path: `${process.env['SCREENSHOTS']}/${name}.png` });
}
