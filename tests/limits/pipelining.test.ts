import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { useApi } from '../support/use-api.js';

const { api } = useApi();
const REQUEST = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n';

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(api.origin);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

test('a connection may begin 20 requests at once', async () => {
  const socket = await open();
  let answers = 0;
  socket.write(REQUEST.repeat(20));
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answers += chunk.toString().split('HTTP/1.1 200 OK').length - 1;
    if (answers === 20) break;
  }
  expect(answers).toBe(20);
});

test('a connection that sends many requests without waiting is ended', async () => {
  const socket = await open();
  socket.on('error', () => {});
  socket.resume();
  socket.write(REQUEST.repeat(200));
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
});

test('a connection that waits for its answers may send as many as it likes', async () => {
  const socket = await open();
  for (let request = 0; request < 100; request++) {
    socket.write(REQUEST);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('HTTP/1.1 200 OK');
  }
  socket.destroy();
});
