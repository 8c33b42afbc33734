import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: 'src/**/*.{ts,tsx}',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        // Apollo Client asks for __typename in all objects but those at the root.
        nonOptionalTypename: true,
        skipTypeNameForRoot: true,
        // Timestamps are text: JavaScript's Date has no microseconds.
        scalars: { DateTime: 'string', _Any: 'unknown' },
      },
    },
  },
};
export default config;
