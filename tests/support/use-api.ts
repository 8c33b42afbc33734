import { afterAll, beforeAll } from '@jest/globals';
import { startApi, type Api, type ApiOptions } from './api.js';
import { rowsOf, type Rows } from './builders.js';
import { startIssuer, type Issuer } from './issuer.js';

/** What all tests of a file use. There is nothing in it until the first hook or test of the file runs. */
export interface Used {
  readonly api: Api;
  /** Rows for its database. */
  readonly rows: Rows;
}

/** Starts the API before the tests of a file, and stops it after them. */
export function useApi(options: ApiOptions = {}): Used {
  return use(() => options);
}

/** As `useApi`, where an issuer of bearer tokens is there too, whose tokens the API accepts. */
export function useApiAndIssuer({ env, ...options }: ApiOptions = {}): Used & { readonly issuer: Issuer } {
  const issuer = later<Issuer>();
  beforeAll(async () => {
    issuer.is(await startIssuer());
  });
  const used = use(() => ({ ...options, env: { ...issuer.it.env, ...env } }));
  afterAll(() => issuer.it.close());
  return { ...used, issuer: issuer.it };
}

function use(options: () => ApiOptions): Used {
  const [api, rows] = [later<Api>(), later<Rows>()];
  beforeAll(async () => {
    api.is(await startApi(options()));
    rows.is(rowsOf(api.it.database));
  });
  afterAll(() => api.it.close());
  return { api: api.it, rows: rows.it };
}

/** An object that can be handed out before there is what it is. */
function later<It extends object>(): { readonly it: It; is(made: It): void } {
  const it = {} as It;
  return { it, is: (made) => void Object.setPrototypeOf(it, made) };
}
