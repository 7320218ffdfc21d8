// Lint: the import law and the conventions that a machine can check. A rule here says why in its message.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import typescript from 'typescript-eslint';
import { importLaw } from './scripts/importLaw.ts';

const ROOT = dirname(fileURLToPath(import.meta.url));

const SQL = '/\\b(SELECT\\s[\\s\\S]+\\sFROM|INSERT\\s+(OR\\s+\\w+\\s+)?INTO|UPDATE\\s+\\w+\\s+SET|DELETE\\s+FROM|CREATE\\s+TABLE)\\s/';
const NO_DEFAULT_EXPORT = { selector: 'ExportDefaultDeclaration', message: 'No default exports: a name that is exported is the name that is imported and searched for.' };
const NO_BARREL = { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that holds the code.' };
const NO_SQL = ['Literal[value=%]', 'TemplateElement[value.raw=%]'].map(selector => ({
  selector: selector.replace('%', SQL), message: 'SQL lives in src/store only: write a typed query there.',
}));
const NO_MODULE_PATHS = [
  { selector: "MetaProperty[meta.name='import']", message: 'Bundles are CommonJS, so import.meta is empty in them: take paths from the composition root.' },
  { selector: "Identifier[name=/^__(dirname|filename)$/]", message: 'Sources run as they are and bundled: take paths from the composition root.' },
];
const NO_CLOCK = ["MemberExpression[object.name='Date'][property.name='now']", "NewExpression[callee.name='Date'][arguments.length=0]"].map(selector => ({
  selector, message: 'domain has no clock: a time is given to it.',
}));

export default defineConfig(
  { ignores: ['dist/', 'demo/', 'out/', 'test/out/', '.tools/', '.venv/', '**/.smp/', 'resources/'] },
  eslint.configs.recommended,
  typescript.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: ROOT } },
    plugins: { smp: { rules: { 'import-law': importLaw } } },
    rules: {
      'smp/import-law': ['error', ROOT],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-control-regex': 'off', // output of other programs holds terminal codes, and is shown without them
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL],
    },
  },
  {
    files: ['src/**/*.ts', 'webview/**/*.ts'],
    rules: {
      'no-console': 'error', // one log channel, passed in
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL, ...NO_SQL, ...NO_MODULE_PATHS],
    },
  },
  {
    files: ['scripts/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL, ...NO_SQL] },
  },
  {
    // The method gives the same result for the same input: time and chance are given to it.
    files: ['src/domain/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...['process', 'performance', 'crypto', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'globalThis', 'Buffer'].map(name => ({ name, message: 'domain is pure: whatever the machine tells is given to it.' }))],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Chance comes from a seeded stream (randomStream.ts).' }],
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL, ...NO_SQL, ...NO_MODULE_PATHS, ...NO_CLOCK],
    },
  },
  {
    files: ['src/store/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL, ...NO_MODULE_PATHS] },
  },
  {
    // The roots say where the product lies: they are the one place that may ask.
    files: ['src/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT, NO_BARREL, ...NO_SQL] },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', URL: 'readonly' } },
  },
);
