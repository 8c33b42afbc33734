import { DevIssuer } from '../auth/dev-issuer.js';
import { readConfig, loadEnvFile } from '../config.js';
import { parseOptions, UsageError } from '../options.js';
import { endWith } from './command.js';

/** Prints a token of the development issuer. It needs no database, so it works while the server runs. */
try {
  const { values } = parseOptions(
    { options: { subject: { type: 'string' }, admin: { type: 'boolean' } } },
    'Usage: npm run token -- [--subject NAME] [--admin]',
  );
  loadEnvFile();
  const { database, oauth, adminRole } = readConfig(process.env);
  if (database.kind !== 'embedded' || oauth !== null) {
    throw new UsageError(
      'Tokens are issued here for the embedded database alone. With DATABASE_URL or OAUTH_ISSUER set they come from your own issuer.',
    );
  }
  const issuer = await DevIssuer.open(database.directory);
  const subject = values.subject ?? (values.admin ? 'demo-admin' : 'demo-user');
  process.stdout.write(`${await issuer.issue(subject, values.admin ? [adminRole] : [])}\n`);
} catch (error) {
  endWith(error);
}
