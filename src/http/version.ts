import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version of this server, as its package.json has it. */
export const VERSION = versionOf(findPackageJSON('..', import.meta.url));

function versionOf(file: string | undefined): string {
  if (file === undefined) return 'unknown';
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
