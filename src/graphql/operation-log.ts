import type { ApolloServerPlugin } from '@apollo/server';
import type { Context } from '../app/context.js';

/** What the log tells of an operation: never its text, variables or answers. */
export interface OperationLog {
  operation?: string;
  /** Codes of the errors of the answer, each once. */
  errors?: unknown[];
}

/** Longest name of an operation that is logged; the name is the client's. */
const MAX_NAME_LENGTH = 100;

/** Notes for the log line of a request which operation it asked for and which errors came of it. */
export const operationLogPlugin: ApolloServerPlugin<Context> = {
  requestDidStart: () =>
    Promise.resolve({
      didResolveOperation({ operation, operationName, contextValue }): Promise<void> {
        const name = (operationName ?? '').slice(0, MAX_NAME_LENGTH);
        contextValue.log.operation = `${operation?.operation} ${name}`.trim();
        return Promise.resolve();
      },
      willSendResponse({ response, contextValue }): Promise<void> {
        const { body } = response;
        if (body.kind === 'single' && body.singleResult.errors) {
          const codes = body.singleResult.errors.map(({ extensions }) => extensions?.['code']);
          contextValue.log.errors = [...new Set(codes)];
        }
        return Promise.resolve();
      },
    }),
};
