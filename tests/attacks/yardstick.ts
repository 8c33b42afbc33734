/**
 * A server that does nothing but answer, in a process of its own. How long it lets a question wait is the machine's
 * doing, and is shown beside how long the server did.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((_request, response) => void response.end('{"status":"live"}'));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
