import { readConfig } from '../../src/config.js';

/** The variables of the server's settings. */
export function settings(): Set<string> {
  const names = new Set<string>();
  readConfig(new Proxy<NodeJS.ProcessEnv>({}, { get: (_, name) => void names.add(String(name)) }));
  return names;
}
