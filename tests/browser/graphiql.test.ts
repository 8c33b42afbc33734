import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPage, type OpenPage } from '../support/browser.js';
import { closeWorkplaces, until, Workplace, type Child } from '../support/process.js';

let server: Child;
let open: OpenPage;

beforeAll(async () => {
  const workplace = await Workplace.create();
  server = await workplace.serve();
  open = await openPage(await server.origin());
}, 120_000);
afterAll(async () => {
  await open.close();
  await closeWorkplaces();
});

test('GraphiQL opens with operations and a key that work, and explains what a Game is', async () => {
  const { page, problems } = open;
  const started = performance.now();
  await page.goto(await server.origin());
  const run = page.getByRole('button', { name: /Execute query/ });
  await run.click();
  const answer = page.locator('.graphiql-response');
  await expect(waitForText(answer, '"totalCount": 29')).resolves.toBeUndefined();
  process.stderr.write(
    `GraphiQL answers ${Math.round(performance.now() - started)} ms after it is opened.\n`,
  );

  expect(await page.getByRole('tab').allInnerTexts()).toEqual(['Games', 'Search', 'Details', 'Preview']);
  await page.getByRole('tab', { name: 'Preview' }).click();
  // GraphiQL learns a moment later which operation the tab holds; whoever is faster than that presses again.
  await until(async () => {
    await run.click();
    return answer
      .getByText('"count":')
      .first()
      .waitFor({ timeout: 1_000 })
      .then(
        () => true,
        () => false,
      );
  });

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'Game', exact: true }).click();
  const docs = page.locator('.graphiql-doc-explorer');
  await waitForText(docs, 'A game: users collect points in its tasks');
  await waitForText(docs, "The client's own name of the game");
  expect(problems).toEqual([]);
  if (process.env['SCREENSHOTS'])
    await page.screenshot({ path: `${process.env['SCREENSHOTS']}/graphiql.png` });
}, 60_000);

async function waitForText(where: ReturnType<OpenPage['page']['locator']>, text: string): Promise<void> {
  await where.getByText(text).first().waitFor();
}
