import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What happens to a COMMIT, and to its connection. */
export type Cut =
  /** It does not arrive; both ends are told that the connection ended. */
  | 'before'
  /** It is sent, and the connection ends at once. */
  | 'during'
  /** The connection of the server ends at once; the COMMIT arrives a moment later. */
  | 'late'
  /** It is done; the answer is cut off. */
  | 'after'
  /** It is done; the answer never comes. */
  | 'answer lost'
  /** It never arrives, and neither end is told: what a broken cable does. */
  | 'never arrives'
  /** It is done; the answer is cut off, and so is every new connection. */
  | 'nobody to ask';

export const CUTS: readonly Cut[] = [
  'before',
  'during',
  'late',
  'after',
  'answer lost',
  'never arrives',
  'nobody to ask',
];

/** A COMMIT in PostgreSQL's protocol: a simple query, its length, its text. */
const COMMIT = Buffer.concat([Buffer.from('Q\0\0\0\x0b', 'latin1'), Buffer.from('commit\0')]);

/** How late a COMMIT may be, in ms. */
const LATE_MS = 200;

/** A network between the server and its database that loses connections at the worst moment. */
export class CommitProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #target: URL;
  #next: Cut | null = null;
  #refusesNew = false;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
  }

  /** @param url of the database, as in `DATABASE_URL` */
  static async start(url: string): Promise<CommitProxy> {
    const server = createServer();
    const proxy = new CommitProxy(server, new URL(url));
    server.on('connection', (socket) => proxy.#forward(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The same database by way of this network. */
  get url(): string {
    const url = new URL(this.#target);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Cuts the next COMMIT. */
  cutNext(cut: Cut): void {
    this.#next = cut;
  }

  /** Whether no COMMIT came yet since the last call of `cutNext`. */
  get isWaiting(): boolean {
    return this.#next !== null;
  }

  /** Lets everything through again. */
  heal(): void {
    this.#next = null;
    this.#refusesNew = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #forward(client: Socket): void {
    this.#keep(client);
    if (this.#refusesNew) {
      client.destroy();
      return;
    }
    const database = connect(Number(this.#target.port), this.#target.hostname);
    this.#keep(database);
    let cut: Cut | null = null;
    client.on('data', (chunk) => {
      if (this.#next !== null && chunk.includes(COMMIT)) {
        cut = this.#next;
        this.#next = null;
        if (cut === 'nobody to ask') this.#refuseAll(client, database);
      }
      if (cut === 'late') setTimeout(() => database.end(chunk), LATE_MS);
      else if (cut !== 'before' && cut !== 'never arrives') database.write(chunk);
      if (cut === 'before' || cut === 'during' || cut === 'late') client.destroy();
    });
    database.on('data', (chunk) => {
      if (cut === null) client.write(chunk);
      else if (cut === 'after' || cut === 'nobody to ask') client.destroy();
    });
    client.on('close', () => cut !== 'never arrives' && cut !== 'late' && database.end());
    database.on('close', () => client.destroy());
  }

  /** Ends all connections but the one on which the COMMIT is. */
  #refuseAll(...spared: readonly Socket[]): void {
    this.#refusesNew = true;
    for (const socket of this.#sockets) if (!spared.includes(socket)) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
