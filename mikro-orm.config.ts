import { Migrator } from '@mikro-orm/migrations';
import { EntityCaseNamingStrategy, type Options } from '@mikro-orm/postgresql';
import { ApiKey } from './src/api-keys/api-key.entity.js';
import { Game } from './src/domain/games/game.entity.js';
import { migrations } from './src/migrations/index.js';

/** What holds for every database; `src/database/database.ts` adds which one. */
const config: Options = {
  entities: [ApiKey, Game],
  extensions: [Migrator],
  // GAME's columns are mostly named as the properties are; the others are named one by one.
  namingStrategy: EntityCaseNamingStrategy,
  migrations: {
    migrationsList: migrations,
    tableName: 'game_graphql_migrations',
    // Indexes on tables that are in use are made CONCURRENTLY, which no transaction allows.
    transactional: false,
    allOrNothing: false,
    snapshot: false,
    disableForeignKeys: false,
  },
  // What goes wrong with the database is reported by whoever asked it; see src/errors.ts.
  logger: () => {},
};
export default config;
