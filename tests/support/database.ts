import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { readConfig } from '../../src/config.js';
import { openDatabase } from '../../src/database/database.js';

/** How the tests' own connections are told from the server's. */
export const TEST_APPLICATION = 'tests';

/** A migrated database without rows; every test database is a copy of it. */
const TEMPLATE = 'game_template';
/** Whoever holds this advisory lock may make the template. */
const TEMPLATE_LOCK = 4_711;

/** A database of a test's own, and a way to it past the server. */
export interface TestDatabase {
  readonly name: string;
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** Runs a statement; timestamps come back as text, with all their digits. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  /** Every row of every table, with the transaction that wrote it: equal dumps mean that nothing was written. */
  dump(options?: { readonly except?: readonly string[] }): Promise<string>;
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** Whether plans are logged, for `recordPlans`. */
  readonly plans?: boolean;
  /** Its name, where that matters. */
  readonly name?: string;
}

/** A migrated database without rows. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  await ensureTemplate();
  return create(TEMPLATE, options);
}

/** A database without tables, in this encoding. */
export function createEmptyDatabase(encoding = 'UTF8'): Promise<TestDatabase> {
  return create('template0', { encoding });
}

async function create(
  template: string,
  {
    plans = false,
    name = `test_${randomUUID().replaceAll('-', '')}`,
    encoding = 'UTF8',
  }: TestDatabaseOptions & { readonly encoding?: string },
): Promise<TestDatabase> {
  await asAdmin(async (admin) => {
    const locale = encoding === 'UTF8' ? '' : ` ENCODING '${encoding}' LOCALE 'C' LOCALE_PROVIDER libc`;
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}${locale}`);
    if (plans) {
      await admin.query(`ALTER DATABASE ${name} SET session_preload_libraries = 'auto_explain'`);
      await admin.query(`ALTER DATABASE ${name} SET auto_explain.log_min_duration = 0`);
    }
  });
  return new OwnDatabase(name);
}

class OwnDatabase implements TestDatabase {
  readonly url: string;
  readonly #pool: pg.Pool;

  constructor(readonly name: string) {
    this.url = urlOf(name);
    this.#pool = new pg.Pool({
      connectionString: this.url,
      application_name: TEST_APPLICATION,
      max: 4,
      types: { getTypeParser: textTimestamps as typeof pg.types.getTypeParser },
    });
    // An idle connection that a test cut off.
    this.#pool.on('error', () => {});
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#pool.query<Row>(text, [...values]);
    return rows;
  }

  async dump({ except = [] }: { readonly except?: readonly string[] } = {}): Promise<string> {
    const tables = await this.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables
       WHERE schemaname = 'public' AND tablename <> ALL($1) ORDER BY 1`,
      [except],
    );
    const dumps = tables.map(async ({ name }) => {
      const rows = await this.query(`SELECT xmin::text, t::text AS row FROM ${name} t ORDER BY 2`);
      return [name, ...rows.map((row) => JSON.stringify(row))].join('\n');
    });
    return (await Promise.all(dumps)).join('\n');
  }

  async drop(): Promise<void> {
    await this.#pool.end();
    await asAdmin((admin) => admin.query(`DROP DATABASE ${this.name} WITH (FORCE)`));
  }
}

/** Makes the template unless another test file has: migrating it once is what all of them save. */
async function ensureTemplate(): Promise<void> {
  await asAdmin(async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rowCount) return;
    const draft = `${TEMPLATE}_draft`;
    await admin.query(`DROP DATABASE IF EXISTS ${draft}`);
    await admin.query(`CREATE DATABASE ${draft} TEMPLATE template0`);
    const database = await openDatabase(readConfig({ DATABASE_URL: urlOf(draft) }).database);
    try {
      await database.migrate();
    } finally {
      await database.close();
    }
    await admin.query(`ALTER DATABASE ${draft} RENAME TO ${TEMPLATE}`);
  });
}

/** Works on the server as a whole; ending the connection also frees its locks. */
async function asAdmin<Result>(work: (admin: pg.Client) => Promise<Result>): Promise<Result> {
  const admin = new pg.Client({ connectionString: urlOf('postgres'), application_name: TEST_APPLICATION });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(database: string): string {
  const server = process.env['TEST_POSTGRES_URL'];
  if (server === undefined) throw new Error('tests/support/global-setup.js did not start PostgreSQL.');
  return `${server}/${database}`;
}

function textTimestamps(...[type, format]: Parameters<typeof pg.types.getTypeParser>): unknown {
  return type === pg.types.builtins.TIMESTAMPTZ
    ? (text: string) => text
    : pg.types.getTypeParser(type, format);
}
