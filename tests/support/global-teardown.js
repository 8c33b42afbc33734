/** Stops the PostgreSQL server of a test run, whether its tests passed or not. */
export default async function teardown() {
  await globalThis.stopTestPostgres();
}
