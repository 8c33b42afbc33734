import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openPage, type OpenPage } from '../support/browser.js';
import { closeWorkplaces, until, Workplace } from '../support/process.js';

const FRONTEND = fileURLToPath(new URL('../../examples/frontend', import.meta.url));
const PAGE_SIZE = 10;

let vite: ChildProcess;
let origin: string;
let key: string;
let open: OpenPage;

/** The built frontend, as `vite preview` serves it, before the API with its demo data. */
beforeAll(async () => {
  const server = await (await Workplace.create()).serve();
  key = await until(() => /gme_live_[\w-]{8}\.[\w-]{32}/.exec(server.stdout)?.[0] ?? false);
  vite = spawn(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'],
    { cwd: FRONTEND, env: { PATH: process.env['PATH'], API: await server.origin(), NO_COLOR: '1' } },
  );
  let printed = '';
  vite.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  origin = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? false);
  open = await openPage(origin);
}, 120_000);
afterAll(async () => {
  await open.close();
  const ended = once(vite, 'exit');
  vite.kill('SIGKILL');
  await ended;
  await closeWorkplaces();
});

async function shoot(name: string): Promise<void> {
  const directory = process.env['SCREENSHOTS'];
  if (directory) await open.page.screenshot({ path: `${directory}/${name}.png` });
}

const names = (): Promise<string[]> => open.page.locator('tbody tr td:first-child').allInnerTexts();
const total = (): Promise<string> => open.page.getByTestId('total').innerText();
const press = (name: string): Promise<void> => open.page.getByRole('button', { name, exact: true }).click();

test('a key shows the games of its owner', async () => {
  await open.page.goto(origin);
  await shoot('sign-in');
  await open.page.getByLabel('API key').fill(key);
  await press('Show my games');
  await until(async () => (await total()) === '29 found');
  expect(await names()).toHaveLength(PAGE_SIZE);
  await shoot('games');
}, 60_000);

test('pages lead to the end and back, and show every game once', async () => {
  const first = await names();
  const seen = [...first];
  for (const wanted of [PAGE_SIZE, 9]) {
    const before = await names();
    await press('Next');
    await until(async () => {
      const now = await names();
      return now.length === wanted && now[0] !== before[0];
    });
    seen.push(...(await names()));
  }
  expect(new Set(seen).size).toBe(29);
  expect(await open.page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
  for (let page = 0; page < 2; page++) {
    const before = await names();
    await press('Previous');
    await until(async () => (await names())[0] !== before[0]);
  }
  expect(await names()).toEqual(first);
  expect(await open.page.getByRole('button', { name: 'Previous' }).isDisabled()).toBe(true);
}, 60_000);

test('a search and a platform narrow the list', async () => {
  const [wanted = ''] = await names();
  await open.page.getByLabel('Search').fill(wanted.toUpperCase());
  await until(async () => (await total()) === '1 found');
  expect(await names()).toEqual([wanted]);
  await open.page.getByLabel('Search').fill('');
  // The search waits for a pause in the typing: a platform that is chosen before narrows what was searched for.
  await until(async () => (await total()) === '29 found');
  await open.page.getByRole('combobox', { name: 'Platform' }).click();
  await open.page.getByRole('option', { name: 'web' }).click();
  await until(async () => (await total()) !== '29 found');
  const badges = await open.page.locator('tbody tr td:nth-child(2)').allInnerTexts();
  expect(new Set(badges.map((text) => text.toLowerCase()))).toEqual(new Set(['web']));
  await open.page.reload();
  await until(async () => (await total()) === '29 found');
}, 60_000);

test('a game is edited; what is wrong stands at its field', async () => {
  const [before = ''] = await names();
  await open.page.getByRole('button', { name: 'Edit' }).first().click();
  const name = open.page.getByLabel('Name');
  await name.fill('x');
  await press('Save');
  await open.page.getByText('3 to 60 characters').waitFor();
  await shoot('edit');
  await name.fill('edited-in-the-browser');
  await press('Save');
  await until(async () => (await names())[0] === 'edited-in-the-browser');
  expect(await names()).not.toContain(before);
}, 60_000);

test('an edit of what somebody else has changed since is told, and nothing is overwritten', async () => {
  await open.page.getByRole('button', { name: 'Edit' }).first().click();
  const change = await open.page.evaluate(
    async ([apiKey]) => {
      const ask = async (query: string): Promise<Record<string, { nodes: { id: string }[] }>> => {
        const response = await fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': apiKey ?? '' },
          body: JSON.stringify({ query }),
        });
        return ((await response.json()) as { data: Record<string, { nodes: { id: string }[] }> }).data;
      };
      const { games } = await ask('{ games(first: 1) { nodes { id } } }');
      return ask(
        `mutation { patchGame(input: { id: "${games?.nodes[0]?.id}", platform: "ios" }) { game { id } } }`,
      );
    },
    [key],
  );
  expect(change['patchGame']).toBeTruthy();
  await open.page.getByRole('textbox', { name: 'Platform' }).last().fill('android');
  await press('Save');
  await open.page.getByText('This was not saved').waitFor();
  await press('Show what is there now');
  await until(async () =>
    /ios/i.test(await open.page.locator('tbody tr:first-child td:nth-child(2)').innerText()),
  );
}, 60_000);

test('games are moved to another strategy: previewed, moved, taken back', async () => {
  await press('Move to another strategy');
  const dialog = open.page.getByRole('dialog');
  for (const [label, option] of [
    ['From', /^default /],
    ['To', /^socio_bee /],
  ] as const) {
    await dialog.getByRole('combobox', { name: label }).click();
    await open.page.getByRole('option', { name: option }).click();
  }
  await press('Preview');
  const text = await dialog.getByText(/games? would move/).innerText();
  const count = /\d+/.exec(text)?.[0] ?? '';
  expect(Number(count)).toBeGreaterThan(0);
  await shoot('reassign');
  await press(`Move ${count}`);
  await dialog.getByText(`${count} moved.`).waitFor();
  await press('Undo');
  await dialog.getByText(`${count} are back.`).waitFor();
  await press('Close');
  expect(open.problems).toEqual([]);
}, 60_000);
