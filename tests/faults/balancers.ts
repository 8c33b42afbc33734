import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/postgres.js';
import { DebianProgram, documented, newDirectory, remove } from './programs.ts';

/** The servers that the documents show, in their order. */
const DOCUMENTED_SERVERS = ['10.0.0.11:4000', '10.0.0.12:4000'] as const;
/** In which nginx has begun to use what it has read again, in ms. */
const RELOAD_MS = 1_000;

/** A balancer before two servers, set up as docs/operating.md shows. */
export interface Balancer {
  readonly port: number;
  /** Is called before a server is stopped, for balancers that do not ask for readiness; and after it is ready again. */
  leaveOut(server: number): Promise<void>;
  takeBack(): Promise<void>;
  stop(): Promise<void>;
}

function withServers(text: string, port: number, ports: readonly number[]): string {
  let result = text.replace(/(bind|listen) \S+?(;?)$/m, `$1 127.0.0.1:${port}$2`);
  for (const [index, shown] of DOCUMENTED_SERVERS.entries()) {
    if (!result.includes(shown)) throw new Error(`The documented configuration has no ${shown}.`);
    result = result.replace(shown, `127.0.0.1:${ports[index]}`);
  }
  return result;
}

/** @param retries whether it sends a request that could not be delivered to the other server */
export async function startHaproxy(ports: readonly number[], retries: boolean): Promise<Balancer> {
  const [directory, port] = [newDirectory(), await freePort()];
  const file = join(directory, 'haproxy.cfg');
  let text = withServers(await documented('haproxy'), port, ports);
  if (!retries) {
    if (!/^ *retries \d+$/m.test(text))
      throw new Error('The documented configuration says nothing of retries.');
    text = text.replace(/^( *)retries \d+$/m, '$1retries 0').replace(/^ *option redispatch.*$/m, '');
  }
  writeFileSync(file, text);
  const program = await DebianProgram.start('/usr/sbin/haproxy', ['-db', '-f', file], directory, port);
  return {
    port,
    leaveOut: () => Promise.resolve(),
    takeBack: () => Promise.resolve(),
    stop: async () => {
      await program.stop();
      remove(directory);
    },
  };
}

/** @param retries whether it sends a request that could not be delivered to the other server */
export async function startNginx(ports: readonly number[], retries: boolean): Promise<Balancer> {
  const [directory, port] = [newDirectory(), await freePort()];
  chmodSync(directory, 0o755);
  const site = withServers(await documented('nginx'), port, ports);
  const file = join(directory, 'nginx.conf');
  const write = (leftOut?: number): void => {
    const address = leftOut === undefined ? undefined : `127.0.0.1:${ports[leftOut]}`;
    let text = address === undefined ? site : site.replace(`server ${address}`, `server ${address} down`);
    if (!retries) {
      if (!/proxy_next_upstream [^;]*;/.test(text)) {
        throw new Error('The documented configuration says nothing of retries.');
      }
      text = text.replace(/proxy_next_upstream [^;]*;/, 'proxy_next_upstream off;');
    }
    writeFileSync(
      file,
      `daemon off;\npid ${directory}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${[
        'client_body',
        'proxy',
        'fastcgi',
        'uwsgi',
        'scgi',
      ]
        .map((name) => `${name}_temp_path ${directory}/${name};\n`)
        .join('')}${text}}\n`,
    );
  };
  write();
  const program = await DebianProgram.start(
    '/usr/sbin/nginx',
    ['-e', 'stderr', '-p', directory, '-c', file],
    directory,
    port,
  );
  const reload = async (leftOut?: number): Promise<void> => {
    write(leftOut);
    program.signal('SIGHUP');
    await delay(RELOAD_MS);
  };
  return {
    port,
    leaveOut: reload,
    takeBack: () => reload(),
    stop: async () => {
      await program.stop();
      remove(directory);
    },
  };
}
