import { DockerfileParser, type Copy, type Instruction, type JSONInstruction } from 'dockerfile-ast';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './documents.js';

/** A stage of the Containerfile: what stands from one FROM to the next. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** What stands behind an instruction. */
const restOf = (instruction: Instruction): string => instruction.getRawArgumentsContent() ?? '';
const wordsOf = (instruction: Instruction): string[] =>
  instruction.getArguments().map((word) => word.getValue());

/** The stages of the repository's Containerfile, the image's own last. */
export function stagesOf(text: string): Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const [base = '', , name = 'image'] = wordsOf(instruction);
      stages.push({ name, base, instructions: [] });
    } else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

export const readContainerfile = (): Promise<string> => readFile(join(REPOSITORY, 'Containerfile'), 'utf8');

/** From where a COPY takes its files; null: from the checkout. Which files, and where to. */
export function copyOf(instruction: Instruction): {
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
} {
  const flags = (instruction as Copy).getFlags();
  const words = wordsOf(instruction);
  const from = flags.find((flag) => flag.getName() === 'from')?.getValue() ?? null;
  return { from, sources: words.slice(0, -1), target: words.at(-1) ?? '' };
}

/** What an image says about the containers that are made of it. */
export interface Image {
  /** The root of its file system, without what its base image holds. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  remove(): Promise<void>;
}

/**
 * Makes the image by hand: each stage is a directory, in which its COPYs and RUNs are carried out with the Node of this
 * process. Only `npm ci` for the build is not: what it makes is there already, as this checkout's node_modules.
 *
 * @throws for an instruction that it does not know
 */
export async function makeImage(): Promise<Image> {
  const directory = await mkdtemp(join(tmpdir(), 'game-graphql-image-'));
  let last: Omit<Image, 'remove'> | undefined;
  try {
    for (const stage of stagesOf(await readContainerfile())) {
      // One after the other: a stage copies from those before it.
      last = await makeStage(stage, directory);
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  if (last === undefined) throw new Error('The Containerfile has no stage.');
  return { ...last, remove: () => rm(directory, { recursive: true, force: true }) };
}

async function makeStage(stage: Stage, directory: string): Promise<Omit<Image, 'remove'>> {
  const root = join(directory, stage.name);
  let workdir = '/';
  const env: Record<string, string> = {};
  let [user, command, healthcheck]: [string, string[], string[]] = ['', [], []];
  const inside = (path: string): string => join(root, resolve('/', workdir, path));
  for (const instruction of stage.instructions) {
    switch (instruction.getKeyword()) {
      case 'WORKDIR':
        workdir = resolve(workdir, restOf(instruction));
        await mkdir(inside('.'), { recursive: true });
        break;
      case 'COPY': {
        const { from, sources, target } = copyOf(instruction);
        for (const source of sources) {
          const path = from === null ? join(REPOSITORY, source) : join(directory, from, source);
          const isDirectory = (await stat(path)).isDirectory();
          await cp(path, isDirectory ? inside(target) : join(inside(target), source), { recursive: true });
        }
        break;
      }
      case 'RUN':
        await runStep(restOf(instruction), inside('.'));
        break;
      case 'ENV':
        for (const word of wordsOf(instruction)) {
          const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(word) ?? [];
          env[name] = value;
        }
        break;
      case 'USER':
        user = restOf(instruction);
        break;
      case 'CMD':
        command = (instruction as JSONInstruction).getJSONStrings().map((word) => word.getJSONValue());
        break;
      case 'HEALTHCHECK':
        healthcheck = JSON.parse(restOf(instruction).replace(/^.*?CMD /s, '')) as string[];
        break;
      case 'EXPOSE':
        break;
      default:
        throw new Error(`What does ${instruction.getKeyword()} do?`);
    }
  }
  return { root, workdir, env, user, command, healthcheck };
}

async function runStep(command: string, cwd: string): Promise<void> {
  if (command === 'npm ci') {
    await symlink(join(REPOSITORY, 'node_modules'), join(cwd, 'node_modules'));
    return;
  }
  // npm tells its scripts where their package is: this is another one.
  const { npm_config_local_prefix: _, ...env } = process.env;
  await promisify(execFile)('sh', ['-c', command], {
    cwd,
    env: {
      ...env,
      PATH: `${dirname(process.execPath)}:${env['PATH'] ?? ''}`,
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
    },
    maxBuffer: 10_000_000,
  });
}

/** Whether a container can be had: only root may make one. */
export const CAN_ISOLATE = process.platform === 'linux' && process.getuid?.() === 0;
if (!CAN_ISOLATE) process.stdout.write('Not root: the image is tried without a container around it.\n');

/**
 * Makes `$1` the root directory, read-only, with the programs of this machine and the Node in the directory `$2` as its base
 * image, and becomes the command behind: as user `$3`, in the directory `$4`, as process 1. Mounts end with it.
 */
const ENTER = `set -e
root=$1 node=$2 user=$3 workdir=$4; shift 4
mount --bind "$root" "$root"
cd "$root"
mkdir -p proc dev tmp
for name in usr bin sbin lib lib64; do
  if [ -L "/$name" ]; then [ -L "$name" ] || cp -P "/$name" .
  elif [ -d "/$name" ]; then mkdir -p "$name"; mount --bind "/$name" "$name"; mount -o remount,bind,ro "$name"; fi
done
mount --bind "$node" usr/local/bin
mount --bind /dev dev
mount -t proc proc proc
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" . /bin/sh -c 'cd "$0" && exec "$@"' "$workdir" "$@"`;

/** How a command is run in a container of an image: a program, its arguments, its directory, its environment. */
export function inContainer(
  image: Image,
  command: readonly string[],
  given: Readonly<Record<string, string>> = {},
): {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
} {
  const node = dirname(process.execPath);
  const env = { ...image.env, ...given };
  if (!CAN_ISOLATE) {
    const [program = '', ...args] = command;
    const path = `${node}:${process.env['PATH'] ?? ''}`;
    return { program, args, cwd: join(image.root, image.workdir), env: { ...env, PATH: path } };
  }
  const isolate = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh'];
  return {
    program: 'unshare',
    args: [...isolate, image.root, node, image.user, image.workdir, ...command],
    cwd: '/',
    env: { ...env, PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  };
}

/** The process that is process 1 in a container: the child of `unshare`. */
export async function firstProcess(unshare: number): Promise<number> {
  if (!CAN_ISOLATE) return unshare;
  const children = await readFile(`/proc/${unshare}/task/${unshare}/children`, 'utf8');
  return Number(children.trim());
}
