// Where things are in the checkout, for scripts and tests; nothing else in the repository spells these folders out.
import { join } from 'node:path';
import { ROOT, VENV_PYTHON } from './setUp.mjs';

export { ROOT, VENV_PYTHON };
export const DIST = join(ROOT, 'dist'); // bundles, the packaged VSIX
export const TOOLS = join(ROOT, '.tools'); // what set-up installs beside node_modules: Node, code-server, editor profiles
export const RESOURCES = join(ROOT, 'resources');
export const SAMPLE = join(RESOURCES, 'sample'); // built when packaging
export const DEMO = join(ROOT, 'demo'); // workspace of `npm start`
export const TEST_OUTPUT = join(ROOT, 'test', 'out'); // screenshots, logs, results
