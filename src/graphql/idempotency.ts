import { GraphQLError } from 'graphql';
import { hash } from 'node:crypto';
import { badRequest } from '../errors.js';
import { EncodedJson, type EncodedRecord } from '../sql-json/encoded-json.js';

/** Visible characters of ASCII without quotation marks, so many at most. */
const KEY = /^[\x21\x23-\x7e]{1,200}$/;

/**
 * The key of an `Idempotency-Key` header, with or without the quotation marks of
 * draft-ietf-httpapi-idempotency-key-header; null where there is none.
 *
 * @throws BAD_REQUEST
 */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null;
  const [, quoted] = /^"(.*)"$/.exec(String(header)) ?? [];
  const key = quoted ?? String(header);
  if (!KEY.test(key)) {
    throw badRequest(
      'The Idempotency-Key header must be 1 to 200 visible ASCII characters without quotation marks, such as a UUID.',
      400,
    );
  }
  return key;
}

/** What is sent with a key. */
interface KeyedOperation {
  readonly source: string;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

/** A digest of an operation: under one key there is one only. */
export function digestOf({ source, operationName, variables }: KeyedOperation): string {
  return hash('sha256', JSON.stringify([source, operationName ?? null, variables ?? {}]), 'base64url');
}

/** What a mutation came to. */
type Outcome = { readonly result: unknown } | { readonly error: Error };

/** By this key, which no result has, an object stands for encoded JSON. */
const ENCODED_KEY = '!encoded';

/** An outcome as it is kept. */
type KeptOutcome = { readonly result: unknown } | { readonly error: ErrorParts };

/** An outcome as text, to be kept. */
export function encodeOutcome(outcome: Outcome): string {
  const kept: KeptOutcome = 'error' in outcome ? { error: partsOf(outcome.error) } : outcome;
  return JSON.stringify(kept, (_name, value: unknown) =>
    value instanceof EncodedJson ? { [ENCODED_KEY]: value.toRecord(partsOf) } : value,
  );
}

/** The outcome that was kept. */
export function decodeOutcome(text: string): Outcome {
  const kept = JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || !(ENCODED_KEY in value)) return value;
    return EncodedJson.fromRecord(value[ENCODED_KEY] as EncodedRecord<ErrorParts>, errorOf);
  }) as KeptOutcome;
  return 'error' in kept ? { error: errorOf(kept.error) } : kept;
}

interface ErrorParts {
  readonly message: string;
  readonly extensions: Record<string, unknown>;
}

function partsOf(error: Error): ErrorParts {
  const { message } = error;
  return { message, extensions: error instanceof GraphQLError ? { ...error.extensions } : {} };
}

const errorOf = ({ message, extensions }: ErrorParts): Error => new GraphQLError(message, { extensions });
