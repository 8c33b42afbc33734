import { parseArgs, type ParseArgsConfig } from 'node:util';

/** A mistake of the user of a command: shown as one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user asked for help, which is the message. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

/**
 * Reads the options of a program; `--help`, which every program has, ends it.
 *
 * @param help what `--help` shows; the usage where there is no more to say
 * @throws UsageError in one line, where Node's own would have several
 */
export function parseOptions<Options extends ParseArgsConfig>(
  options: Options,
  usage: string,
  help = usage,
): ReturnType<typeof parseArgs<Options>> {
  const { args = process.argv.slice(2) } = options;
  if (args.includes('--help')) throw new HelpRequest(help);
  try {
    return parseArgs(options);
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
    throw new UsageError(`${line.replace(/\.$/, '')}. ${usage}`);
  }
}
