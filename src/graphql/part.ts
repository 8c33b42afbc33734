import type { GraphQLResolveInfo } from 'graphql';
import type { Page } from '../paging/page.js';
import { connectionOf, type Connection } from './connection.js';
import { partKey } from './selection.js';

/** What was read for the current field of an object: see `Selected`. */
export function partOf<Value>(
  parent: { readonly parts: Readonly<Record<string, unknown>> },
  info: GraphQLResolveInfo,
): Value {
  // The shape of the object made it, and GraphQL checks what it shows.
  return parent.parts[partKey(info)] as Value;
}

/** The page that was read for the current field of an object, as a connection; an Error for bad arguments. */
export function connectionPartOf<Node extends object>(
  parent: { readonly parts: Readonly<Record<string, unknown>> },
  info: GraphQLResolveInfo,
): Connection<Node> {
  const page = partOf<Page<Node> | Error>(parent, info);
  if (page instanceof Error) throw page;
  return connectionOf(page);
}
