import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from './documents.js';

/** What tests look at in a realm of Keycloak's. */
export interface Realm {
  readonly realm: string;
  readonly roles: { readonly realm: readonly { readonly name: string }[] };
  readonly clients: readonly {
    readonly clientId: string;
    readonly webOrigins?: readonly string[];
    readonly protocolMappers?: readonly {
      readonly protocolMapper: string;
      readonly config: Readonly<Record<string, string>>;
    }[];
  }[];
  readonly users: readonly {
    readonly username: string;
    readonly credentials: readonly { readonly value: string }[];
    readonly realmRoles?: readonly string[];
  }[];
}

/** The realm that compose.yaml gives to Keycloak. */
export async function readRealm(): Promise<Realm> {
  return JSON.parse(await readFile(join(REPOSITORY, 'deploy', 'keycloak', 'realm.json'), 'utf8')) as Realm;
}
