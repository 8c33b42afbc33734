import { request } from 'node:http';
import type { Api, Answer, Credentials, Variables } from './api.js';

/** A request whose client may go away before it is answered. */
export interface Sent {
  /** What came back; null where the client went away before. */
  readonly answer: Promise<{ readonly status: number; readonly body: Answer['body'] } | null>;
  /** Closes the client's connection. */
  leave(): void;
}

/** Sends an operation on a connection of its own. */
export function send(api: Api, query: string, as: Credentials, variables: Variables = {}): Sent {
  const sent = request(api.url, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      ...(as.key === undefined ? {} : { 'x-api-key': as.key }),
      ...(as.token === undefined ? {} : { authorization: `Bearer ${as.token}` }),
    },
  });
  const answer: Sent['answer'] = new Promise((resolve) => {
    sent.on('error', () => resolve(null));
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', () => resolve(null));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] }),
      );
    });
  });
  sent.end(JSON.stringify({ query, variables }));
  return { answer, leave: () => void sent.destroy() };
}
