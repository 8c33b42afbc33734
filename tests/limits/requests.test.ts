import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { useApi } from '../support/use-api.js';

const { api } = useApi();
const REQUEST = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n';

function post(query: string): string {
  const body = JSON.stringify({ query });
  return `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(api.origin);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** Waits until a connection is over, whether it was ended or reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

test('a connection may begin 15 requests at once', async () => {
  const socket = await open();
  let answers = 0;
  socket.write(REQUEST.repeat(15));
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answers += chunk.toString().split('HTTP/1.1 200 OK').length - 1;
    if (answers === 15) break;
  }
  expect(answers).toBe(15);
});

test.each([
  ['without a body', REQUEST],
  ['with a body', post('{ __typename }')],
])('a connection that sends many requests without waiting is ended: %s', async (_case, request) => {
  const socket = await open();
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write(request.repeat(200));
  await closed(socket);
  expect(received.split('HTTP/1.1 200 OK').length - 1).toBeLessThan(200);
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

describe('a body in chunks', () => {
  const head =
    'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n';
  const chunked = (chunks: readonly string[]): string =>
    `${head}${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;

  async function answerTo(bytes: string): Promise<string> {
    const socket = await open();
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.write(bytes);
    await closed(socket);
    return received;
  }

  test('may come a byte at a time', async () => {
    const body = JSON.stringify({ query: `{ __typename ${' '.repeat(2_000)} }` });
    expect(await answerTo(chunked([...body]))).toContain('"data":{"__typename":"Query"}');
  });

  test('ends its connection where there are very many', async () => {
    expect(await answerTo(chunked(Array<string>(20_000).fill(' ')))).toBe('');
  });
});
