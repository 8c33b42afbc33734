import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { acceptsGzip, compressed, variesByEncoding } from '../compression.js';
import { FIRST_OPERATIONS } from './first-operations.js';
import { RENDER, STYLE, WORKERS } from './page.js';

/** Everything comes from this server; the editor sets styles on its elements and has its fonts in its CSS. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the page loads, by file name. */
const FILES = {
  'graphiql.js': { type: 'text/javascript', from: 'js' },
  'graphiql.css': { type: 'text/css', from: 'css' },
  'editor.worker.js': { type: 'text/javascript', from: 'editorWorkerService' },
  'graphql.worker.js': { type: 'text/javascript', from: 'graphqlWorker' },
  'json.worker.js': { type: 'text/javascript', from: 'jsonWorker' },
} as const;

/**
 * Serves GraphiQL, all of it from here, at `/` and `/graphiql`.
 *
 * @param demoKey an API key to begin with: the embedded database's, never one of production
 */
export function serveGraphiql(app: FastifyInstance, demoKey: () => string | null): void {
  const page = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply
      .type('text/html; charset=utf-8')
      .headers({
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      .send(html(demoKey()));
  app.get('/', page);
  app.get('/graphiql', page);
  for (const [name, { type, from }] of Object.entries(FILES)) {
    serveFile(app, `/graphiql/${name}`, type, async () => {
      // Loaded when it is first asked for: it is nine megabytes of text.
      const bundle = await import('@graphql-yoga/render-graphiql/graphiql');
      return bundle[from];
    });
  }
  serveFile(app, '/graphiql/workers.js', 'text/javascript', () => Promise.resolve(WORKERS));
  serveFile(app, '/graphiql/render.js', 'text/javascript', () => Promise.resolve(RENDER));
}

/** Serves a text that stays the same as long as the server runs, compressed once. */
function serveFile(app: FastifyInstance, path: string, type: string, read: () => Promise<string>): void {
  let file: Promise<{ text: Buffer; zipped: Buffer; tag: string }> | undefined;
  const load = async (): Promise<{ text: Buffer; zipped: Buffer; tag: string }> => {
    const text = Buffer.from(await read());
    // Weak: it names the text, compressed or not.
    const tag = `W/"${createHash('sha256').update(text).digest('base64url')}"`;
    return { text, zipped: await compressed(text), tag };
  };
  app.get(path, async (request, reply) => {
    file ??= load();
    const { text, zipped, tag } = await file;
    variesByEncoding(reply).headers({
      etag: tag,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    reply.type(`${type}; charset=utf-8`);
    if (!acceptsGzip(request)) return reply.send(text);
    return reply.header('content-encoding', 'gzip').send(zipped);
  });
}

function html(demoKey: string | null): string {
  const headers = JSON.stringify({ 'X-API-Key': demoKey ?? '' }, null, 2);
  const settings = { tabs: FIRST_OPERATIONS.map((query) => ({ query, headers })), headers, demoKey };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>GAME GraphQL</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="graphiql/graphiql.css" />
    <style>${STYLE}</style>
  </head>
  <body>
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="notice" role="status"></div>
    <div id="root"></div>
    <div id="cost" role="status"></div>
    <script id="settings" type="application/json">${JSON.stringify(settings).replaceAll('<', '\\u003c')}</script>
    <script src="graphiql/workers.js" defer></script>
    <script src="graphiql/graphiql.js" defer></script>
    <script src="graphiql/render.js" defer></script>
  </body>
</html>
`;
}
