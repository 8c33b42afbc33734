import type { Database } from '../database/database.js';

export interface Demo {
  readonly keys: readonly { readonly client: string; readonly secret: string }[];
}
export async function ensureDemoData(_database: Database, _directory: string): Promise<Demo> {
  return Promise.resolve({ keys: [] });
}
export function welcome(address: string, _demo: Demo): string {
  return address;
}
