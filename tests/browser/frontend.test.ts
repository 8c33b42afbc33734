import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, openPage, type OpenPage } from '../support/browser.js';
import { ask, closeWorkplaces, until, Workplace } from '../support/process.js';

const FRONTEND = fileURLToPath(new URL('../../examples/frontend', import.meta.url));
const UNKNOWN_KEY = 'gme_live_aaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

/** Longest wait for what should happen: no test fails because a machine is slow. */
const PATIENCE_MS = 60_000;

const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1_280, height: 800 },
} as const;
type Size = keyof typeof SIZES;
const EACH_SIZE = Object.keys(SIZES).map((size) => [size as Size] as const);

let vite: ChildProcess;
let api: string;
let origin: string;
let key: string;
let admin: string;
let browser: Browser;
let open: OpenPage;
let page: Page;

/** The built frontend, as `vite preview` serves it, before the API with its demo data. */
beforeAll(async () => {
  const workplace = await Workplace.create();
  const server = await workplace.serve();
  api = await server.origin();
  key = await until(() => /gme_live_[\w-]{8}\.[\w-]{32}/.exec(server.stdout)?.[0] ?? false);
  admin = (await workplace.run('commands/token', { args: ['--admin'] })).stdout.trim();
  vite = spawn(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'],
    { cwd: FRONTEND, env: { PATH: process.env['PATH'], API: api, NO_COLOR: '1' } },
  );
  let printed = '';
  vite.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  origin = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? false);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  const ended = once(vite, 'exit');
  vite.kill('SIGKILL');
  await ended;
  await closeWorkplaces();
});

beforeEach(async () => {
  open = await openPage(origin, browser);
  page = open.page;
  page.setDefaultTimeout(PATIENCE_MS);
});
afterEach(() => open.close());

describe.each([
  ['phone', 'light'],
  ['phone', 'dark'],
  ['desktop', 'light'],
  ['desktop', 'dark'],
] as const)('on a %s in %s colours', (size, colorScheme) => {
  /** What is wrong with the screens. */
  let found: object[];

  test('every screen is accessible, and none is wider than the window', async () => {
    found = [];
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(SIZES[size]);

    await page.goto(origin);
    await heading('Sign in to GAME').waitFor();
    await look('sign-in');
    await field('API key or bearer token').fill(UNKNOWN_KEY);
    await press('Sign in');
    await alert('does not accept this key').waitFor();
    await look('sign-in-refused');
    await field('API key or bearer token').fill(key);
    await press('Sign in');

    await page.getByText('1–10 of 29').waitFor();
    await look('games');
    await writePicture(size, colorScheme);
    await press('Account');
    await button('Sign out').waitFor();
    await look('account');
    await page.keyboard.press('Escape');
    await field('Search').fill('no game has this name');
    await page.getByText('No game matches').waitFor();
    await look('games-none');

    await visit('/');
    await press('New game');
    await field('Name').fill('x');
    await field('Platform').fill('web');
    await press('Add param');
    await field('Key of param 1').fill('bonus');
    await field('Value of param 1').fill('5');
    await press('Create game');
    await page.getByText('3 to 60 characters').waitFor();
    await look('new-game');

    // It has a leaderboard, params and tasks.
    const id = await idOf('chania-run-club-autumn-2026');
    await visit(`/games/${id}`);
    await page.getByRole('region', { name: 'Leaderboard' }).getByRole('listitem').first().waitFor();
    await look('game');
    await press('Duplicate');
    await field('Name of the copy').waitFor();
    await look('duplicate');
    await press('Cancel');
    await press('Delete');
    await page.getByText('This goes with the game').waitFor();
    await look('delete');
    await press('Cancel');
    const name = await anyTaskOf(id);
    await press('Add task');
    await press('Add param');
    await look('new-task');
    await press('Cancel');
    await press(`Edit task ${name}`);
    await field('Name').waitFor();
    await look('edit-task');
    await press('Cancel');
    await press(`Delete task ${name}`);
    await page.getByText('This goes with the task').waitFor();
    await look('delete-task');
    await press('Cancel');
    await press('Edit');
    await field('Platform').fill('moodle');
    const platform = colorScheme === 'dark' ? 'unity' : 'flutter';
    await query('mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }', {
      input: { id, platform },
    });
    await press('Save');
    await alert('somebody else has changed this game').waitFor();
    await look('conflict');

    await visit('/games/nothing');
    await alert('There is no such game').waitFor();
    await look('game-not-found');
    await visit('/nowhere');
    await heading('This page does not exist').waitFor();
    await look('not-found');

    await visit('/strategies');
    await page.getByRole('link', { name: 'Weekend push 2' }).waitFor();
    await look('strategies');
    await page.getByRole('link', { name: 'Weekend push 2' }).click();
    await page.getByRole('region', { name: 'Versions' }).waitFor();
    await look('strategy');

    await visit('/moves');
    await choose('From', 'constantEffortStrategy 0.0.1');
    await choose('To', 'socio_bee 0.0.2');
    await press('Preview');
    await page.getByText('would move').waitFor();
    await look('move-preview');
    await press('Move 3 games');
    await page.getByText('3 games are moved').waitFor();
    const newest = page.getByRole('region', { name: 'History' }).getByRole('row').nth(1);
    // The row of an earlier undo has the strategies the other way round.
    await newest.getByText(/constantEffortStrategy.* → socio_bee/).waitFor();
    await press('Undo', newest);
    await page.getByText('3 games would go back').waitFor();
    await look('undo');
    await press('Undo the move');
    await page.getByText('taken back').first().waitFor();
    await look('moves');

    await page.route('**/graphql', (route) => route.abort());
    await page.getByRole('link', { name: 'Strategies' }).click();
    await visit('/strategies');
    await alert('The API does not answer').waitFor();
    await look('no-answer');
    expect(found).toEqual([]);
  });

  /** Looks at what is shown as axe does, and for what is cut off. */
  async function look(name: string): Promise<void> {
    // What moves into its place, such as a dialog, is looked at when it is there.
    await until(() =>
      page.evaluate<boolean>("document.getAnimations().every((a) => a.playState !== 'running')"),
    );
    const directory = process.env['SCREENSHOTS'];
    if (directory) {
      await page.screenshot({
        path: join(directory, `${size}-${colorScheme}-${name}.png`),
        fullPage: !(await page.getByRole('dialog').isVisible()),
      });
    }
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    if (width > SIZES[size].width) found.push({ name, width });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run({ resultTypes: ['violations'] })");
    for (const { id, nodes } of violations) {
      found.push({ name, id, at: nodes.map(({ html, any }) => [html, any[0]?.message]) });
    }
  }
});

describe.each(EACH_SIZE)('on a %s', (size) => {
  beforeEach(() => page.setViewportSize(SIZES[size]));

  test('a key that is refused is said where it was typed, and the address stays', async () => {
    await page.goto(`${origin}/strategies`);
    const credential = field('API key or bearer token');
    await credential.fill(UNKNOWN_KEY);
    await press('Sign in');
    await alert('does not accept this key').waitFor();
    expect(await credential.inputValue()).toBe(UNKNOWN_KEY);
    expect(new URL(page.url()).pathname).toBe('/strategies');

    await credential.fill(key);
    await press('Sign in');
    await heading('Strategies').waitFor();
    await page.reload();
    await heading('Strategies').waitFor();

    await press('Account');
    await press('Sign out');
    await heading('Sign in to GAME').waitFor();
    await page.reload();
    await heading('Sign in to GAME').waitFor();
  });

  test('a key that is revoked later leads to the sign-in, and back to where one was', async () => {
    await signIn('/strategies');
    await page.route('**/graphql', (route) =>
      route.fulfill({
        status: 401,
        json: { errors: [{ message: 'Revoked.', extensions: { code: 'UNAUTHENTICATED' } }] },
      }),
    );
    await page.getByRole('link', { name: 'default 0.0.2' }).click();
    await alert('does not accept this key').waitFor();
    await page.unroute('**/graphql');
    await field('API key or bearer token').fill(key);
    await press('Sign in');
    await heading('default 0.0.2').waitFor();
    expect(new URL(page.url()).pathname).toBe('/strategies/default');
  });

  test('pages lead to the end and back, show every game once, and have addresses of their own', async () => {
    await signIn('/');
    await page.getByText('1–10 of 29').waitFor();
    const first = await names();
    const seen = [...first];
    for (const wanted of ['11–20 of 29', '21–29 of 29']) {
      await press('Next');
      await page.getByText(wanted).waitFor();
      await settled();
      seen.push(...(await names()));
    }
    expect(seen).toHaveLength(29);
    expect(new Set(seen).size).toBe(29);
    expect(await button('Next').isDisabled()).toBe(true);

    await press('Previous');
    await page.getByText('11–20 of 29').waitFor();
    await settled();
    expect(await names()).toEqual(seen.slice(10, 20));
    await page.reload();
    await page.getByText('11–20 of 29').waitFor();
    expect(await names()).toEqual(seen.slice(10, 20));
    await press('Previous');
    await page.getByText('1–10 of 29').waitFor();
    await settled();
    expect(await names()).toEqual(first);
    expect(await button('Previous').isDisabled()).toBe(true);
    await page.goBack();
    await page.getByText('11–20 of 29').waitFor();
    expect(open.problems).toEqual([]);
  });

  test('search, filters and order narrow and sort the list; back takes the last one away', async () => {
    await signIn('/?page=2&after=unknown');
    await alert('The games could not be read').waitFor();
    await press('Go to the first page');
    await page.getByText('1–10 of 29').waitFor();

    await choose('Strategy', 'default 0.0.2');
    await page.getByText('1–10 of 15').waitFor();
    await choose('Platform', 'ios');
    await until(async () => /1–\d of \d$/.test(await position()));
    const narrowed = await names();
    const expected = await query<{ games: { nodes: { externalGameId: string }[] } }>(
      '{ games(filter: { platform: { eq: "ios" }, strategyId: { eq: "default" } }, orderBy: { field: EXTERNAL_GAME_ID }) { nodes { externalGameId } } }',
    );
    const sorted = expected.games.nodes.map(({ externalGameId }) => externalGameId);
    expect(narrowed.toSorted()).toEqual(sorted);
    await choose('Sort by', 'Name A to Z');
    await until(async () => (await names()).join() === sorted.join());
    const [wanted = ''] = sorted;
    await field('Search').fill(wanted.toUpperCase());
    await page.getByText('1–1 of 1').waitFor();
    expect(await names()).toEqual([wanted]);

    await page.getByRole('link', { name: wanted }).click();
    await heading(wanted).waitFor();
    await page.goBack();
    await page.getByText('1–1 of 1').waitFor();
    expect(await field('Search').inputValue()).toBe(wanted.toUpperCase());
    await field('Search').fill('nothing of that name');
    await page.getByText('No game matches').waitFor();
    await press('Show all games');
    await page.getByText('1–10 of 29').waitFor();
    expect(await field('Search').inputValue()).toBe('');
  });

  test('a game is created, copied and deleted; what goes along is told before', async () => {
    const name = `made-on-a-${size}`;
    await signIn('/');
    await press('New game');
    await field('Name').fill('x');
    await field('Platform').fill('web');
    await press('Create game');
    await page.getByText('3 to 60 characters').waitFor();
    await field('Name').fill(await anyName());
    await press('Create game');
    await alert('taken').waitFor();
    await field('Name').fill(name);
    await press('Add param');
    await field('Key of param 1').fill('bonus');
    await field('Value of param 1').fill('5');
    await press('Create game');
    await heading(name).waitFor();
    await page.getByRole('cell', { name: 'bonus' }).waitFor();
    await page.getByText('No tasks yet').waitFor();
    await page.getByText('Nobody has points yet').waitFor();

    await page.getByRole('link', { name: 'All games' }).click();
    await page.getByText('1–10 of 30').waitFor();
    await page.getByRole('link', { name }).click();
    await press('Duplicate');
    await press('Duplicate', dialog());
    await heading(`${name}-copy`).waitFor();
    await page.getByRole('cell', { name: 'bonus' }).waitFor();

    for (const [game, left] of [
      [`${name}-copy`, 30],
      [name, 29],
    ] as const) {
      await heading(game).waitFor();
      await press('Delete');
      await dialog().getByText('1 param', { exact: true }).waitFor();
      await press('Delete game');
      await page.getByText(`1–10 of ${left}`).waitFor();
      expect(await names()).not.toContain(game);
      if (left === 30) await page.getByRole('link', { name }).click();
    }
    await page.goBack();
    await alert('There is no such game').waitFor();
  });

  test('an edit that meets another one shows both values, keeps what was typed, and is saved after all', async () => {
    const created = await query<{ createGame: { game: { id: string } } }>(
      'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }',
      {
        input: {
          externalGameId: `edited-on-a-${size}`,
          platform: 'web',
          params: [
            { key: 'typed', value: '1' },
            { key: 'left-alone', value: '1' },
            { key: 'gone', value: '1' },
          ],
        },
      },
    );
    const { id } = created.createGame.game;
    await signIn(`/games/${id}`);
    await press('Edit');
    await field('Platform').fill('android');
    await field('Value of param 1').fill('2');
    await field('Value of param 3').fill('4');
    await press('Add param');
    await field('Key of param 4').fill('mine');
    await field('Value of param 4').fill('new');

    const before = await query<{ game: { params: { id: string }[] } }>(
      'query ($id: ID!) { game(id: $id) { params { id } } }',
      { id },
    );
    const [typed, alone, gone] = before.game.params.map((param) => param.id);
    await query('mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }', {
      input: {
        id,
        platform: 'ios',
        strategyId: 'socio_bee',
        params: {
          update: [
            { id: typed, value: '3' },
            { id: alone, value: '3' },
          ],
          remove: [gone],
          add: [{ key: 'theirs', value: 'new' }],
        },
      },
    });
    await press('Save');
    await alert('somebody else has changed this game').waitFor();
    expect(await conflict('Platform')).toEqual(['ios', 'android']);
    expect(await conflict('Param typed')).toEqual(['typed: 3', 'typed: 2']);
    expect(await conflict('Param gone')).toEqual(['removed', 'gone: 4']);
    expect(await field('Platform').inputValue()).toBe('android');
    expect(await params()).toEqual(['typed: 2', 'left-alone: 3', 'gone: 4', 'mine: new', 'theirs: new']);
    expect(await field('Strategy').inputValue()).toBe('socio_bee');
    await press('Use what is there now', dialog().getByRole('table', { name: 'Param typed, now and yours' }));
    expect(await params()).toEqual(['typed: 3', 'left-alone: 3', 'gone: 4', 'mine: new', 'theirs: new']);
    await press('Save');
    await dialog().waitFor({ state: 'hidden' });

    const after = await query<{ game: { platform: string; params: { key: string; value: string }[] } }>(
      'query ($id: ID!) { game(id: $id) { platform params { key value } } }',
      { id },
    );
    expect(after.game.platform).toBe('android');
    expect(after.game.params.map((param) => `${param.key}: ${param.value}`).toSorted()).toEqual(
      ['typed: 3', 'left-alone: 3', 'gone: 4', 'mine: new', 'theirs: new'].toSorted(),
    );
    // The page shows the answer of the change.
    await page.getByRole('cell', { name: 'theirs' }).waitFor();

    await press('Delete');
    await dialog().getByText('5 params').waitFor();
    await query('mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }', {
      input: { id, platform: 'web' },
    });
    await press('Delete game');
    await alert('Somebody else has changed this game').waitFor();
    await press('Try again');
    await alert('Somebody else').waitFor({ state: 'hidden' });
    await press('Delete game');
    await page.getByText('1–10 of 29').waitFor();
  });

  test('tasks are added, changed, closed, copied and deleted; what goes along is told before', async () => {
    const id = await createGame(`tasks-on-a-${size}`);
    await signIn(`/games/${id}`);
    await page.getByText('No tasks yet').waitFor();
    for (const [name, value] of [
      ['walk', '5'],
      ['swim', '6'],
    ] as const) {
      await press('Add task');
      await field('Name').fill(name);
      await press('Add param');
      await field('Key of param 1').fill('bonus');
      await field('Value of param 1').fill(value);
      await press('Create task');
      await dialog().waitFor({ state: 'hidden' });
      await task(name).getByText(`bonus: ${value}`).waitFor();
    }
    await press('Add task');
    await field('Name').fill('walk');
    await press('Create task');
    await alert('taken in the game').waitFor();
    await press('Cancel');
    expect(await tasksOf(id)).toEqual(['swim open', 'walk open']);

    await press('Close task walk');
    await task('walk').getByText('closed', { exact: true }).waitFor();
    expect(await tasksOf(id)).toEqual(['swim open', 'walk closed']);
    await press('Open task walk');
    await task('walk').getByText('open', { exact: true }).waitFor();

    await press('Edit task walk');
    await field('Name').fill('run');
    await field('Value of param 1').fill('7');
    const stored = await query<{ game: { task: { id: string } } }>(
      'query ($id: ID!) { game(id: $id) { task(externalTaskId: "walk") { id } } }',
      { id },
    );
    await query('mutation ($input: PatchTaskInput!) { patchTask(input: $input) { task { id } } }', {
      input: { id: stored.game.task.id, externalTaskId: 'ride', status: 'closed' },
    });
    await press('Save');
    await alert('somebody else has changed this task').waitFor();
    expect(await conflict('Name')).toEqual(['ride', 'run']);
    expect(await field('Status').inputValue()).toBe('closed');
    await press('Save');
    await dialog().waitFor({ state: 'hidden' });
    await task('run').getByText('bonus: 7').waitFor();
    await task('run').getByText('closed', { exact: true }).waitFor();

    await press('Duplicate task run');
    expect(await field('Name of the copy').inputValue()).toBe('run-copy');
    await press('Duplicate', dialog());
    await task('run-copy').getByText('open', { exact: true }).waitFor();
    await press('Delete task run');
    await dialog().getByText('1 param', { exact: true }).waitFor();
    await press('Delete task', dialog());
    await task('run').waitFor({ state: 'hidden' });
    expect(await tasksOf(id)).toEqual(['run-copy open', 'swim open']);
    // Where the dialog was opened from is gone; the page goes on all the same.
    await press('Close task swim');
    await task('swim').getByText('closed', { exact: true }).waitFor();
    expect(open.problems).toEqual([]);
    await deleteGame(id);
  });

  test('what fails for the moment is sent again when the API says, with one key: it is done once', async () => {
    const id = await createGame(`retried-on-a-${size}`);
    await signIn(`/games/${id}`);
    await page.getByText('No tasks yet').waitFor();
    const sent: { readonly key: string | undefined; readonly at: number }[] = [];
    const errors = [{ message: 'Too much.', extensions: { code: 'RATE_LIMITED' } }];
    const refusal = {
      status: 429,
      headers: { 'retry-after': '2', 'content-type': 'application/graphql-response+json' },
      body: JSON.stringify({ errors }),
    };
    await page.route('**/graphql', async (route) => {
      const request = route.request();
      if (!request.postData()?.includes('mutation CreateTask')) return route.continue();
      sent.push({ key: request.headers()['idempotency-key'], at: performance.now() });
      if (sent.length === 1) return route.fulfill(refusal);
      // It is done, and the answer is lost.
      if (sent.length === 2) {
        await route.fetch();
        return route.abort();
      }
      return route.continue();
    });
    await press('Add task');
    await field('Name').fill('once');
    await press('Create task');
    await task('once').waitFor();
    expect(await tasksOf(id)).toEqual(['once open']);
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map((one) => one.key)).size).toBe(1);
    expect((sent[1]?.at ?? 0) - (sent[0]?.at ?? 0)).toBeGreaterThan(1_900);

    await press('Add task');
    await field('Name').fill('another');
    await press('Create task');
    await task('another').waitFor();
    expect(new Set(sent.map((one) => one.key)).size).toBe(2);

    await page.unroute('**/graphql');
    let refusals = 0;
    await page.route('**/graphql', (route) => (++refusals <= 3 ? route.fulfill(refusal) : route.continue()));
    await press('Close task once');
    await task('once').getByText('Too much.').waitFor();
    expect(refusals).toBe(3);
    await press('Close task once');
    await task('once').getByText('closed', { exact: true }).waitFor();
    expect(await task('once').getByText('Too much.').isVisible()).toBe(false);
    await deleteGame(id);
  });

  test('games are moved to another strategy: previewed, limited, moved, taken back', async () => {
    await signIn('/strategies');
    await page.getByRole('link', { name: 'greengageStrategy' }).click();
    await page.getByText('scores 3 games').waitFor();
    await page.getByRole('link', { name: 'Move the games' }).click();
    await choose('To', 'socio_bee 0.0.2');
    await press('Preview');
    await page.getByText('3 games would move').waitFor();
    await field('Move at most').fill('2');
    await press('Move 3 games');
    await alert('Nothing was moved').waitFor();
    expect(await on('greengageStrategy')).toBe(3);
    await field('Move at most').fill('3');
    await press('Move 3 games');
    await page.getByText('3 games are moved').waitFor();
    expect(await on('greengageStrategy')).toBe(0);

    const newest = page.getByRole('region', { name: 'History' }).getByRole('row').nth(1);
    await newest.getByText('greengageStrategy 0.0.1 → socio_bee 0.0.2').waitFor();
    const moved = await query<{ strategyReassignments: { nodes: { games: { nodes: { id: string }[] } }[] } }>(
      '{ strategyReassignments(first: 1) { nodes { games { nodes { id } } } } }',
    );
    const [elsewhere] = moved.strategyReassignments.nodes[0]?.games.nodes ?? [];
    await query('mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }', {
      input: { id: elsewhere?.id, strategyId: 'default' },
    });
    await press('Undo', newest);
    await page.getByText('2 games would go back from socio_bee 0.0.2 to greengageStrategy 0.0.1').waitFor();
    await page.getByText('1 game moved elsewhere since').waitFor();
    await press('Undo the move');
    await newest.getByText('2 games back').waitFor();
    await page
      .getByRole('region', { name: 'History' })
      .getByRole('row')
      .nth(2)
      .getByText('taken back')
      .waitFor();
    expect(await on('greengageStrategy')).toBe(2);
    await query('mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }', {
      input: { id: elsewhere?.id, strategyId: 'greengageStrategy' },
    });

    const counts = await query<{ preview: { count: number; taskCount: number } }>(
      `mutation { preview: bulkUpdateStrategyId(input: { oldStrategyId: "greengageStrategy",
         newStrategyId: "socio_bee", tasks: true, dryRun: true }) { count taskCount } }`,
    );
    expect(counts.preview).toEqual({ count: 3, taskCount: expect.any(Number) });
    expect(counts.preview.taskCount).toBeGreaterThan(1);
    const both = `3 games and ${counts.preview.taskCount} tasks`;
    await page.getByLabel('Tasks too').check();
    await press('Preview');
    await page.getByText(`${both} would move.`).waitFor();
    await press(`Move ${both}`);
    await page.getByText(`${both} are moved`).waitFor();
    await newest.getByText(both).waitFor();
    await press('Undo', newest);
    await page.getByText(`${both} would go back`).waitFor();
    await press('Undo the move');
    await newest.getByText(`${both} back`).waitFor();

    // The list of games is read again after a move.
    await page.getByRole('link', { name: 'Games', exact: true }).click();
    await page.getByText('1–10 of 29').waitFor();
    expect(open.problems).toEqual([]);
  });

  test('an undo is shown at once, and taken back when the API refuses it', async () => {
    await signIn('/moves');
    const before = await on('socio_bee');
    expect(before).toBeGreaterThan(0);
    await query(
      'mutation { bulkUpdateStrategyId(input: { oldStrategyId: "socio_bee", newStrategyId: "getis_ord_gi_star" }) { count } }',
    );
    await page.reload();
    const newest = page.getByRole('region', { name: 'History' }).getByRole('row').nth(1);
    await press('Undo', newest);
    await page.getByText('would go back').waitFor();
    const asked = Promise.withResolvers<null>();
    await page.route('**/graphql', async (route) => {
      await asked.promise;
      await route.fulfill({
        json: { errors: [{ message: 'Undone already.', extensions: { code: 'CONFLICT' } }], data: null },
      });
    });
    await press('Undo the move');
    await newest.getByText('taken back').waitFor();
    asked.resolve(null);
    await alert('Undone already.').waitFor();
    await newest.getByText('taken back').waitFor({ state: 'hidden' });
    await page.unroute('**/graphql');
    await press('Cancel');
    await press('Undo', newest);
    await page.getByText('would go back').waitFor();
    await press('Undo the move');
    await dialog().waitFor({ state: 'hidden' });
    expect(await on('socio_bee')).toBe(before);
  });

  test('strategies show versions and usage; an admin rolls back, others are told who can', async () => {
    await signIn('/strategies');
    await page.getByRole('link', { name: 'Weekend push 2' }).click();
    await page.getByText('Version 2 scores 2 games and 3 tasks').waitFor();
    const versions = page.getByRole('region', { name: 'Versions' }).getByRole('row');
    expect(await versions.count()).toBe(4);
    await page.getByText('An admin can roll back').waitFor();
    await page.getByRole('link', { name: 'Show the games' }).click();
    await page.getByText('1–2 of 2').waitFor();
    await page.goBack();

    const path = new URL(page.url()).pathname;
    await press('Account');
    await press('Sign out');
    await field('API key or bearer token').fill(admin);
    await press('Sign in');
    expect(new URL(page.url()).pathname).toBe(path);
    for (const [to, from] of [
      ['1', '2'],
      ['2', '1'],
    ]) {
      await press(`Roll back to version ${to}`);
      await dialog().getByText(`version ${from} is archived`).waitFor();
      await dialog().getByText('2 games and 3 tasks').waitFor();
      await press('Roll back', dialog());
      await dialog().waitFor({ state: 'hidden' });
      const row = versions.filter({ has: page.getByRole('link', { name: `Version ${to}` }) });
      await row.getByText('published').waitFor();
    }
    await page.getByRole('link', { name: 'Moves' }).click();
    await page.getByText('by a rollback').first().waitFor();
    await page.getByText('Roll the strategy back instead').first().waitFor();
    expect(open.problems).toEqual([]);
  });

  test('what fails says what to do, and works again when the API does', async () => {
    await signIn('/');
    await page.getByText('1–10 of 29').waitFor();
    const [game = ''] = await names();
    let isAway = true;
    await page.route('**/graphql', (route) =>
      isAway ? route.fulfill({ status: 502, body: '' }) : route.continue(),
    );
    await page.getByRole('link', { name: game }).click();
    await alert('The API does not answer').waitFor();
    isAway = false;
    await press('Try again');
    await heading(game).waitFor();
    expect(await alert('The API does not answer').isVisible()).toBe(false);
  });

  test('everything can be done with the keyboard', async () => {
    await signIn('/');
    await page.getByText('1–10 of 29').waitFor();
    expect(await focused()).toBe('Games');
    await tabTo('New game');
    await page.keyboard.press('Enter');
    await until(async () => (await page.evaluate<string>('document.activeElement.type')) === 'text');
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'hidden' });
    await until(async () => (await focused()) === 'New game');
    const [game = ''] = await names();
    await tabTo(game);
    await page.keyboard.press('Enter');
    await heading(game).waitFor();
    // A screen reader reads the new heading.
    await until(async () => (await focused()) === game);
    expect(await page.title()).toBe(`${game} · GAME`);
    await tabTo('Delete');
    await page.keyboard.press('Enter');
    await dialog().getByText('Nobody can bring it back').waitFor();
    await until(async () => (await focused()) === 'Cancel');
    await page.keyboard.press('Enter');
    await dialog().waitFor({ state: 'hidden' });
    expect(open.problems).toEqual([]);
  });
});

/** Opens a screen as one who has signed in. */
async function signIn(path: string): Promise<void> {
  await page.goto(`${origin}${path}`);
  await field('API key or bearer token').fill(key);
  await press('Sign in');
  await button('Account').waitFor();
}

async function visit(path: string): Promise<void> {
  await page.goto(`${origin}${path}`);
}

function dialog(): Locator {
  return page.getByRole('dialog');
}

function button(name: string, within: Page | Locator = page): Locator {
  return within.getByRole('button', { name, exact: true });
}

function press(name: string, within?: Locator): Promise<void> {
  return button(name, within).click();
}

function heading(name: string): Locator {
  return page.getByRole('heading', { level: 1, name, exact: true });
}

function alert(text: string): Locator {
  return page.getByRole('alert').getByText(text).first();
}

function field(label: string): Locator {
  // In a dialog where one is open; some labels have an asterisk.
  return page
    .getByRole('dialog')
    .or(page.locator('body'))
    .last()
    .getByLabel(new RegExp(`^${label}( \\*)?$`));
}

async function choose(label: string, option: string): Promise<void> {
  await field(label).selectOption({ label: option });
}

/** The names of the games that are listed. */
function names(): Promise<string[]> {
  return page.locator('tbody tr td:first-child a').allInnerTexts();
}

function position(): Promise<string> {
  return page.getByRole('navigation', { name: 'Pages of games' }).getByRole('status').innerText();
}

/** Waits until the page that was asked for is there. */
function settled(): Promise<void> {
  return page.locator('[aria-busy=true]').waitFor({ state: 'hidden' });
}

/** What is there now, and what was typed. */
async function conflict(label: string): Promise<(string | undefined)[]> {
  const rows = dialog()
    .getByRole('table', { name: `${label}, now and yours` })
    .getByRole('row');
  const texts = await rows.getByRole('cell').allInnerTexts();
  return texts.slice(1);
}

/** The params of the form. */
async function params(): Promise<string[]> {
  const inputs = await dialog().getByRole('group', { name: 'Params' }).getByRole('textbox').all();
  const values = await Promise.all(inputs.map((input) => input.inputValue()));
  return values.flatMap((value, index) => (index % 2 === 0 ? [`${value}: ${values[index + 1]}`] : []));
}

function focused(): Promise<string> {
  return page.evaluate<string>('document.activeElement.innerText');
}

/** Presses Tab until the focus is there. */
async function tabTo(text: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused()) === text) return;
  }
  throw new Error(`The keyboard does not reach ${text}.`);
}

/** Asks the API itself, as somebody else does. */
async function query<Data>(text: string, variables: object = {}): Promise<Data> {
  const { data, codes } = await ask<Data>(api, text, key, variables);
  expect(codes).toEqual([]);
  return data;
}

async function idOf(externalGameId: string): Promise<string> {
  const { gameByExternalId } = await query<{ gameByExternalId: { id: string } }>(
    'query ($name: String!) { gameByExternalId(externalGameId: $name) { id } }',
    { name: externalGameId },
  );
  return gameByExternalId.id;
}

async function createGame(externalGameId: string): Promise<string> {
  const { createGame: made } = await query<{ createGame: { game: { id: string } } }>(
    'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }',
    { input: { externalGameId, platform: 'web' } },
  );
  return made.game.id;
}

async function deleteGame(id: string): Promise<void> {
  await query('mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }', { id });
}

/** A task on the page of its game. */
function task(name: string): Locator {
  return page.getByRole('group', { name: `Task ${name}`, exact: true });
}

/** The tasks of a game with their states, as the API knows them, by name. */
async function tasksOf(id: string): Promise<string[]> {
  const { game } = await query<{
    game: { tasks: { nodes: { externalTaskId: string; status: string }[] } };
  }>(
    'query ($id: ID!) { game(id: $id) { tasks(orderBy: { field: EXTERNAL_TASK_ID }) { nodes { externalTaskId status } } } }',
    { id },
  );
  return game.tasks.nodes.map(({ externalTaskId, status }) => `${externalTaskId} ${status}`);
}

/** The task that the page of a game shows first. */
async function anyTaskOf(id: string): Promise<string> {
  const { game } = await query<{ game: { tasks: { nodes: { externalTaskId: string }[] } } }>(
    'query ($id: ID!) { game(id: $id) { tasks(first: 1) { nodes { externalTaskId } } } }',
    { id },
  );
  return game.tasks.nodes[0]?.externalTaskId ?? '';
}

async function anyName(): Promise<string> {
  const { games } = await query<{ games: { nodes: { externalGameId: string }[] } }>(
    '{ games(first: 1) { nodes { externalGameId } } }',
  );
  return games.nodes[0]?.externalGameId ?? '';
}

/** How many games are on a strategy. */
async function on(strategyId: string): Promise<number> {
  const { games } = await query<{ games: { totalCount: number } }>(
    'query ($strategyId: ID!) { games(filter: { strategyId: { eq: $strategyId } }) { totalCount } }',
    { strategyId },
  );
  return games.totalCount;
}

/** Writes the pictures of the docs, when they are asked for: `WRITE_PICTURES=1`. */
async function writePicture(size: Size, colorScheme: string): Promise<void> {
  if (!process.env['WRITE_PICTURES'] || colorScheme !== (size === 'phone' ? 'dark' : 'light')) return;
  await page.screenshot({ path: join(FRONTEND, `${size}.png`) });
}
