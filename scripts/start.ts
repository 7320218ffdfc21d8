// `npm start`: from a checkout to posts with predictions in VS Code. Builds the VSIX, makes the demo (or takes your data),
// runs the pipeline, prints the evaluation table, opens the editor. What was done before is not done again.
// Options: --data FOLDER_OR_FILE (your own data), --no-open (stop before the editor), --port N (of the browser's editor).
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { smp, smpMeanwhile, StepFailed } from './execute.ts';
import { openEditor } from './openEditor.ts';
import { packageVsix } from './package.ts';
import { DEMO, ROOT } from './paths.ts';

const DEMO_USERS = 1400; // validation, four sets of the method's size and a pool of 400

interface Timed<Result> {
  readonly result: Result;
  readonly seconds: number;
}

async function timed<Result>(work: () => Result | Promise<Result>): Promise<Timed<Result>> {
  const started = Date.now();
  const result = await work();
  return { result, seconds: (Date.now() - started) / 1000 };
}

interface Workspace {
  readonly folder: string; // where the pipeline works
  readonly data: string; // what it reads
  readonly file: string | null; // opened in the editor, to point at its posts
  readonly isDemo: boolean;
}

function workspaceOf(data: string | undefined): Workspace {
  if (data === undefined) return { folder: DEMO, data: DEMO, file: join(DEMO, 'train_allmetadata_json', 'train_text.json'), isDemo: true };
  const path = resolve(process.env.INIT_CWD ?? ROOT, data); // npm moved to the checkout
  if (!existsSync(path)) throw new StepFailed(`${path} does not exist. Give --data a data set's folder, or a CSV, TSV or JSONL file.`);
  const isFolder = statSync(path).isDirectory();
  return { folder: isFolder ? path : dirname(path), data: path, file: isFolder ? null : path, isDemo: false };
}

function optionsOf(words: string[]) {
  try {
    return parseArgs({ args: words, options: { data: { type: 'string' }, 'no-open': { type: 'boolean' }, port: { type: 'string' } } }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // parseArgs tells unknown options and missing values so
    throw new StepFailed(`${error.message}\nOptions: --data FOLDER_OR_FILE, --no-open, --port N.`);
  }
}

async function start(): Promise<void> {
  const values = optionsOf(process.argv.slice(2));
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) throw new StepFailed(`--port ${values.port} is no port.`);
  const workspace = workspaceOf(values.data);

  const built = await timed(() => packageVsix());
  const drawn = await timed(() => { if (workspace.isDemo) smp('demo', '--users', String(DEMO_USERS), '--out', DEMO); });
  // The demo's captions are true by construction; anybody else's need approval.
  const ran = await timed(() => smp('run', '--data', workspace.data, '--workspace', workspace.folder, ...(workspace.isDemo ? ['--captions', 'any'] : [])));
  smp('status', '--workspace', workspace.folder);
  process.stdout.write(`
downloads            ${Number(process.env.SMP_DOWNLOAD_SECONDS ?? 0).toFixed(0)} s
set-up               ${Number(process.env.SMP_SET_UP_SECONDS ?? 0).toFixed(0)} s
build                ${built.seconds.toFixed(0)} s
demo data            ${drawn.seconds.toFixed(0)} s
pipeline             ${ran.seconds.toFixed(0)} s
`);

  const editor = values['no-open'] === true ? null : await openEditor({ folder: workspace.folder, file: workspace.file }, built.result.path, port);
  // The table needs the test sets alone. The demo is small enough to answer for every other post as well; of larger data
  // a hover offers to.
  if (workspace.isDemo) {
    const others = await timed(() => smpMeanwhile('predict', '--every-post', '--workspace', workspace.folder));
    if (others.result) process.stdout.write(`\npredictions of all other posts ${others.seconds.toFixed(0)} s\n`);
  }
  await editor?.ended;
}

try {
  await start();
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
