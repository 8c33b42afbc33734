import { runCommand } from './command.js';

await runCommand(async (database) => {
  const applied = await database.migrate();
  process.stdout.write(
    applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.join(', ')}.\n`,
  );
});
