// The import law as a lint rule: who may import whom in src and webview, and why. One direction of imports keeps the
// method testable without a database, the editor free of long work and every stage replaceable by itself.
import { dirname, relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';

interface Room {
  readonly mayImport: readonly string[]; // rooms, or single files as 'room/file.ts'
  readonly because: string; // ends the message of a violation
}

/** Folders of src; 'webview' lies beside src, 'pipeline' is src/pipeline.ts, 'root' the composition roots. */
const ROOMS: Readonly<Record<string, Room>> = {
  domain: { mayImport: [], because: 'domain is the method itself, pure: no I/O, no clock, nothing that a test would have to fake.' },
  protocol: { mayImport: ['domain'], because: 'protocol holds contracts that both ends of a wire import, so it must drag nothing in.' },
  pipeline: { mayImport: ['protocol', 'domain'], because: 'the pipeline is a table that the editor draws as well; stages are looked up by the roots.' },
  sources: { mayImport: ['domain', 'protocol'], because: 'a reader yields posts and knows nothing of where they go; a stage joins readers and store.' },
  store: { mayImport: ['domain', 'protocol'], because: 'the store is all SQL and nothing else; a stage brings it its rows.' },
  models: { mayImport: ['domain', 'protocol'], because: 'models are used by stages, which store what they answer.' },
  exports: { mayImport: ['domain', 'protocol'], because: 'a writer is given its rows by a stage, so that each format is tested without a store.' },
  hosts: { mayImport: ['protocol', 'domain/errors.ts'], because: 'a host moves bytes and runs jobs; it must not know what a post is.' },
  stages: { mayImport: ['domain', 'protocol', 'pipeline', 'sources', 'store', 'models', 'exports', 'hosts'], because: 'stages meet in the store and are started by the roots.' },
  cli: { mayImport: ['domain', 'protocol', 'pipeline', 'sources', 'store', 'models', 'exports', 'hosts', 'stages'], because: 'the command line runs without an editor.' },
  editor: { mayImport: ['protocol', 'domain', 'pipeline'], because: "a stage's contract lives in protocol; the extension host must not be able to run a stage or SQL by itself." },
  webview: { mayImport: ['protocol', 'domain'], because: 'a page holds no truth: everything comes through the protocol.' },
  root: { mayImport: ['domain', 'protocol', 'pipeline', 'sources', 'store', 'models', 'exports', 'hosts', 'stages', 'cli', 'editor'], because: 'nothing imports a composition root.' },
};
const MAY_IMPORT_VSCODE = ['editor', 'extension.ts'];

/** Rooms without a machine below them: the packages that they may use, and no module of Node. */
const PURE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  domain: ['ml-matrix', 'pure-rand'],
  protocol: ['zod'],
  webview: ['@vscode/webview-ui-toolkit'],
};
/** Drivers of databases: whatever else could open one would sooner or later hold SQL. */
const DATABASE_DRIVERS = ['better-sqlite3', 'node:sqlite'];

/** The room of a file given by its path below the checkout ('src/store/posts.ts' → 'store'), or null outside src and webview. */
function roomOf(path: string): string | null {
  const [top, second, ...rest] = path.split('/');
  if (top === 'webview') return 'webview';
  if (top !== 'src' || second === undefined) return null;
  if (rest.length > 0) return second;
  return second === 'pipeline.ts' ? 'pipeline' : 'root';
}

/** Why `from` must not import `to` (paths below the checkout with '/'), or null when it may. */
export function importFault(from: string, to: string): string | null {
  const fromRoom = roomOf(from);
  if (fromRoom === null) return null;
  if (to.endsWith('.json')) return null; // data with one home: the manifest, the clauses
  const toRoom = roomOf(to);
  if (toRoom === null) return `src and webview may not import ${to}: what ships is below src and webview, and the rest is for building and testing.`;
  if (toRoom === fromRoom && fromRoom !== 'root') return null;
  const room = ROOMS[fromRoom];
  if (room === undefined) return `src/${fromRoom} is no room of the architecture: give it a line in scripts/importLaw.ts, with its reason.`;
  if (toRoom === 'root') return `${from} may not import ${to}: nothing imports a composition root.`;
  if (room.mayImport.includes(toRoom) || room.mayImport.includes(to.replace(/^src\//, ''))) return null;
  const allowed = room.mayImport.length === 0 ? 'nothing else of src' : room.mayImport.join(', ');
  return `${fromRoom} may not import ${toRoom} (only ${allowed}): ${room.because}`;
}

/** Why `from` (a path below the checkout with '/') must not import a package or a module of Node, or null when it may. */
export function packageFault(from: string, specifier: string): string | null {
  const room = roomOf(from);
  if (room === null) return null;
  if (specifier === 'vscode') {
    const allowed = MAY_IMPORT_VSCODE.some(place => from.startsWith(`src/${place}`));
    return allowed ? null : 'Only src/editor and src/extension.ts may import vscode: everything else must also run in a worker and on the command line.';
  }
  if (DATABASE_DRIVERS.includes(specifier) && room !== 'store') return `Only src/store may import ${specifier}: all SQL is there.`;
  const allowed = PURE_ROOMS[room];
  const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  if (allowed === undefined || allowed.includes(name)) return null;
  return `${room} may not import ${specifier} (only ${allowed.join(', ')}): ${ROOMS[room]!.because}`;
}

/** ESLint rule; options: the checkout's absolute folder. */
export const importLaw: Rule.RuleModule = {
  meta: { type: 'problem', schema: [{ type: 'string' }], messages: { fault: '{{fault}}' } },
  create(context) {
    const root = String(context.options[0]);
    const below = (path: string): string => relative(root, path).split(sep).join('/');
    const check = (source: { value?: unknown } | null | undefined, node: Rule.Node): void => {
      const specifier = source?.value;
      if (typeof specifier !== 'string') return;
      const from = below(context.filename);
      const fault = specifier.startsWith('.') ? importFault(from, below(resolve(dirname(context.filename), specifier))) : packageFault(from, specifier);
      if (fault !== null) context.report({ node, messageId: 'fault', data: { fault } });
    };
    return {
      ImportDeclaration: node => check(node.source, node),
      ExportNamedDeclaration: node => check(node.source, node),
      ExportAllDeclaration: node => check(node.source, node),
      ImportExpression: node => check(node.source as { value?: unknown }, node),
      TSImportType: (node: Rule.Node & { source?: { value?: unknown } }) => check(node.source, node),
    };
  },
};
