import { parseOptions } from '../options.js';
import { endWith, runCommand } from './command.js';

try {
  parseOptions(
    {},
    "Usage: npm run migrate. Brings the database of DATABASE_URL up to date: it adds indexes and tables of the server's own, and makes GAME's tables where there are none.",
  );
  await runCommand(async (database) => {
    const applied = await database.migrate();
    process.stdout.write(
      applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.join(', ')}.\n`,
    );
  });
} catch (error) {
  endWith(error);
}
