import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a document. */
export interface Block {
  /** The document, as a path within the repository. */
  readonly document: string;
  /** The heading of the second level that it stands under. */
  readonly section: string;
  readonly line: number;
  /** What stands behind the fence: the language, and for some languages what the block is. */
  readonly language: string;
  readonly kind: string;
  readonly text: string;
}

/** A document in Markdown. */
export interface Document {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** All but the blocks. */
  readonly prose: string;
  /** The anchors of its headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
}

/** README.md and what is in docs/. */
export async function userDocuments(): Promise<Document[]> {
  const names = (await readdir(join(REPOSITORY, 'docs'))).filter((name) => name.endsWith('.md')).sort();
  return Promise.all(['README.md', ...names.map((name) => join('docs', name))].map(readDocument));
}

export async function readDocument(path: string): Promise<Document> {
  const text = await readFile(join(REPOSITORY, path), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  const anchors = new Set<string>();
  let section = '';
  let open: { line: number; fence: string; info: string; lines: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence, info = ''] = /^ *(```+)(.*)$/.exec(line) ?? [];
    if (open !== null) {
      if (fence === open.fence && info === '') {
        const [language = '', ...kind] = open.info.split(' ');
        const block = { document: path, section, line: open.line, language, kind: kind.join(' ') };
        blocks.push({ ...block, text: `${open.lines.join('\n')}\n` });
        open = null;
      } else open.lines.push(line);
      continue;
    }
    if (fence !== undefined) {
      open = { line: index + 1, fence, info: info.trim(), lines: [] };
      continue;
    }
    const [, level, title] = /^(#+) (.*)$/.exec(line) ?? [];
    if (level !== undefined && title !== undefined) {
      if (level === '##') section = title;
      anchors.add(anchorOf(title));
    }
    prose.push(line);
  }
  if (open !== null) throw new Error(`${path}:${open.line}: this block has no end.`);
  return { path, text, blocks, prose: prose.join('\n'), anchors };
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The links of a document to files of the repository: the path, and the heading within it. */
export function linksOf({ path, prose }: Document): { readonly file: string; readonly anchor: string }[] {
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#');
      return { file: file === '' ? path : normalize(join(dirname(path), file)), anchor };
    });
}

/** What stands between backticks in the text. */
export function codeOf({ prose }: Document): string[] {
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The rows of all tables whose first column has this title: their cells. */
export function tableRows(text: string, title: string): string[][] {
  const rows: string[][] = [];
  let isInside = false;
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : null;
    if (cells === null) isInside = false;
    else if (cells[0] === title) isInside = true;
    else if (isInside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}

/** The commands of a shell block, each as its words. Lines that end in a backslash go on. */
export function commandsOf(text: string): string[][] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) =>
      [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
        word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
      ),
    );
}
