import { Arg, Args, type ArgOptions, type ClassType } from 'type-graphql';

/**
 * Declares the arguments of a field that has no resolver: those of a page, or a single one. The values are
 * looked at when the object is read (see `selectionOf`); what was read for them is handed out by `useDefaultResolvers`.
 */
export function FieldArgs(argsType: () => ClassType): PropertyDecorator {
  return (prototype, field) => Args(argsType)(prototype, field, 0);
}

/** As `FieldArgs`, for a single argument. */
export function FieldArg(name: string, type: () => unknown, options: ArgOptions): PropertyDecorator {
  return (prototype, field) => Arg(name, type as () => StringConstructor, options)(prototype, field, 0);
}
