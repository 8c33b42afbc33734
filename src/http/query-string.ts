import { badRequest } from '../errors.js';

/** Parameters that are JSON, of which null is one that was not given. */
const JSON_PARAMETERS = new Set(['variables', 'extensions']);

/**
 * The query string of a URL, from its question mark on, without the parameters that say nothing.
 *
 * @throws BAD_REQUEST with HTTP 400 unless it is UTF-8 with percent signs: URLSearchParams would put other characters
 *   in the place of what it cannot decode
 */
export function queryStringOf(url: string): string {
  const start = url.indexOf('?');
  if (start === -1) return '';
  const search = url.slice(start + 1);
  if (!isDecodable(search)) {
    throw badRequest('The query string must be UTF-8, with percent signs as URLs have them.', 400);
  }
  const given = [...new URLSearchParams(search)].filter(
    ([name, value]) => value !== '' && !(value === 'null' && JSON_PARAMETERS.has(name)),
  );
  return `?${new URLSearchParams(given).toString()}`;
}

function isDecodable(search: string): boolean {
  // Bytes beyond ASCII would be taken for Latin-1.
  if (/[^\x21-\x7e]/.test(search)) return false;
  try {
    decodeURIComponent(search);
    return true;
  } catch {
    return false;
  }
}
