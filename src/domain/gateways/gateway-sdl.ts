import {
  Kind,
  parse,
  print,
  printSchema,
  visit,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  type ObjectTypeDefinitionNode,
} from 'graphql';

/** The schema as gateways want to read it. */
export interface GatewaySdl {
  /** With the directives of `@graphql-tools/stitching-directives`. */
  readonly stitching: string;
  /** With the directives of Apollo Federation 2. */
  readonly federation: string;
}

/** Every service of a gateway has its own, and a gateway would have to choose. */
const OWN_FIELDS = ['node', 'nodes', 'viewer'];
const OWN_TYPES = ['Viewer'];
const PROTOCOL_FIELDS = ['_service', '_entities'];
const PROTOCOL_TYPES = ['_Any', '_Entity', '_Service'];

const STITCHING_DIRECTIVES = `directive @key(selectionSet: String!) on OBJECT
directive @merge(keyField: String, keyArg: String, additionalArgs: String, key: [String!], argsExpr: String) on FIELD_DEFINITION

`;
const FEDERATION_LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])

`;

/** Writes the schema for gateways, without what each service has for itself. */
export function gatewaySdl(schema: GraphQLSchema): GatewaySdl {
  return {
    stitching:
      STITCHING_DIRECTIVES +
      textOf(
        schema,
        { Game: '@key(selectionSet: "{ id }")' },
        { gamesByIds: '@merge(keyField: "id")' },
        PROTOCOL_FIELDS,
      ),
    federation:
      FEDERATION_LINK +
      textOf(
        schema,
        {
          Game: '@key(fields: "id")',
          Task: '@key(fields: "id")',
          Strategy: '@key(fields: "id")',
          PageInfo: '@shareable',
        },
        {},
        [...PROTOCOL_FIELDS, '_sdl'],
      ),
  };
}

/**
 * @param onTypes directive by type
 * @param onFields directive by field of Query
 * @param without fields of Query that are left out too
 */
function textOf(
  schema: GraphQLSchema,
  onTypes: Readonly<Record<string, string>>,
  onFields: Readonly<Record<string, string>>,
  without: readonly string[],
): string {
  const fields = new Set([...OWN_FIELDS, ...without]);
  const types = new Set([...OWN_TYPES, ...PROTOCOL_TYPES]);
  const named = {
    enter: ({ name }: { readonly name: { readonly value: string } }) =>
      types.has(name.value) ? null : undefined,
  };
  const document = visit(parse(printSchema(schema), { noLocation: true }), {
    ScalarTypeDefinition: named,
    UnionTypeDefinition: named,
    ObjectTypeDefinition: {
      enter(type): ObjectTypeDefinitionNode | null {
        const { value } = type.name;
        if (types.has(value)) return null;
        const directives = directivesOf(onTypes[value]);
        if (value !== 'Query') return { ...type, directives };
        const kept = (type.fields ?? [])
          .filter(({ name }) => !fields.has(name.value))
          .map((field): FieldDefinitionNode => ({
            ...field,
            directives: directivesOf(onFields[field.name.value]),
          }));
        return { ...type, directives, fields: kept };
      },
    },
  });
  return `${print(document)}\n`;
}

function directivesOf(text: string | undefined): ConstDirectiveNode[] {
  if (text === undefined) return [];
  const [scalar] = parse(`scalar S ${text}`, { noLocation: true }).definitions;
  return scalar?.kind === Kind.SCALAR_TYPE_DEFINITION ? [...(scalar.directives ?? [])] : [];
}
