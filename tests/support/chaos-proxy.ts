import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A network between the server and its database that does as a test says. */
export class ChaosProxy {
  readonly #connections = new Set<Socket>();
  /** Those of the server, and where each of them leads. */
  readonly #clients = new Set<Socket>();
  readonly #databases = new WeakMap<Socket, Socket>();
  /** Those that were made in vain. */
  readonly #unanswered = new Set<Socket>();
  #isSilent = false;
  #corruptsRow = false;

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  /** @param url of the database, as in `DATABASE_URL` */
  static async start(url: string): Promise<ChaosProxy> {
    const server = createServer();
    const proxy = new ChaosProxy(server, new URL(url));
    server.on('connection', (socket) => proxy.#forward(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The same database by way of this network. */
  get url(): string {
    const url = new URL(this.target);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** From now on nothing arrives, in either direction, and nobody is told: what a broken cable does. */
  fallSilent(): void {
    this.#isSilent = true;
    for (const socket of this.#connections) socket.unpipe().pause();
  }

  /** Cuts off each of today's connections once the server has used it so many times more: what a failover leaves. */
  cutOffAfter(uses: number): void {
    for (const socket of this.#clients) {
      let left = uses;
      const database = this.#databases.get(socket);
      socket
        .unpipe()
        .removeAllListeners('data')
        .resume()
        .on('data', (chunk) => {
          if (left-- > 0) database?.write(chunk);
          else socket.destroy();
        });
    }
  }

  /** Lets new connections through again; those from before stay dead, and nobody is told. */
  heal(): void {
    for (const socket of this.#unanswered) socket.destroy();
    this.#isSilent = false;
  }

  /** The next row that the database sends claims to have more columns than it has. */
  corruptNextRow(): void {
    this.#corruptsRow = true;
  }

  /** Whether there was no row yet since the last call of `corruptNextRow`. */
  get isCorrupting(): boolean {
    return this.#corruptsRow;
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #forward(client: Socket): void {
    this.#keep(client);
    if (this.#isSilent) {
      this.#unanswered.add(client);
      return;
    }
    const database = connect(Number(this.target.port), this.target.hostname);
    this.#keep(database);
    this.#clients.add(client);
    this.#databases.set(client, database);
    const answers = new Transform({
      transform: (chunk: Buffer, _encoding, done) => done(null, this.#corrupted(chunk)),
    });
    client.pipe(database).pipe(answers).pipe(client);
    client.on('close', () => this.#isSilent || database.destroy());
    client.on('close', () => this.#clients.delete(client));
    database.on('close', () => this.#isSilent || client.destroy());
  }

  /** Messages of PostgreSQL: a letter, the length of the rest, the rest; `D` is a row, which begins with a count. */
  #corrupted(messages: Buffer): Buffer {
    for (let at = 0; this.#corruptsRow && at + 7 <= messages.length; at += 1 + messages.readInt32BE(at + 1)) {
      if (String.fromCharCode(messages[at] ?? 0) !== 'D') continue;
      messages.writeInt16BE(0x7fff, at + 5);
      this.#corruptsRow = false;
    }
    return messages;
  }

  #keep(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#connections.delete(socket));
  }
}
