import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest runs test files in a realm of their own, where errors that Node itself makes (a refused connection,
 * say) would be no `Error`s. Here they are, as they are wherever the server really runs.
 */
export default class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { Error, AggregateError } = this.global;
    acceptAs(Error, (value) => globalThis.Error.isError(value));
    acceptAs(AggregateError, (value) => value instanceof globalThis.AggregateError);
  }
}

/** Makes `value instanceof type` true for more values; subclasses, which inherit it, stay as they are. */
function acceptAs(type, isOne) {
  const ordinary = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(type, Symbol.hasInstance, {
    value(value) {
      return ordinary.call(this, value) || (this === type && isOne(value));
    },
  });
}
