// Seeded damage to a folder of posts: whatever can happen to files on their way. The same seed does the same.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RandomStream } from '../../../src/domain/randomStream.ts';

export type FolderFiles = Map<string, Buffer>;

interface Damage {
  readonly files: FolderFiles;
  readonly name: string; // of the file that is damaged
  readonly bytes: Buffer; // its content
  readonly random: RandomStream;
}

const anywhere = ({ bytes, random }: Damage): number => random.integer(0, Math.max(0, bytes.length - 1));
const insert = (bytes: Buffer, at: number, inserted: Buffer | string): Buffer => Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted as string), bytes.subarray(at)]);

/** The lines with their ends, and one of their numbers. */
function pickLine({ bytes, random }: Damage): { lines: string[]; at: number } {
  const lines = bytes.toString('latin1').split(/(?<=\n)/);
  return { lines, at: random.integer(0, lines.length - 1) };
}

/** Replaces one match of a pattern by another text; without a match a text is inserted somewhere. */
function replaceOne(damage: Damage, pattern: RegExp, texts: readonly string[]): Buffer {
  const text = damage.bytes.toString('latin1');
  const matches = [...text.matchAll(pattern)];
  const by = damage.random.pick(texts);
  if (matches.length === 0) return insert(damage.bytes, anywhere(damage), by);
  const match = damage.random.pick(matches);
  return Buffer.from(text.slice(0, match.index) + by + text.slice(match.index + match[0].length), 'latin1');
}

const HUGE_NUMBERS = ['1e400', '-1e400', '99999999999999999999999999', '-5', 'NaN', '1e-400', '0x10', '9007199254740993', '253402300800', '١٢'];
const PATHS = ['../../etc/passwd', '/etc/passwd', 'train/../../x.png', 'train\\..\\..\\x.png', 'file:///etc/passwd', 'https://', 'con.png', '\u0000.png', '.'];
const TOKENS = ['"', '{', '}', '[', ']', ',', '\\', '\\u0000', '\\ud800', '\r', '\n\n', '" "', 'null', ':', '\t', "'", '__proto__', '"__proto__":1,'];
const INVALID_UTF8 = [Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from([0xe2, 0x82]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0x81, 0x8d])];

/** New content for a file. */
const CONTENT_DAMAGES: Readonly<Record<string, (damage: Damage) => Buffer>> = {
  'flips bits': (damage) => {
    const bytes = Buffer.from(damage.bytes);
    for (let flips = damage.random.integer(1, 8); flips > 0 && bytes.length > 0; flips--) bytes[anywhere(damage)]! ^= 1 << damage.random.integer(0, 7);
    return bytes;
  },
  'loses bytes': (damage) => {
    const at = anywhere(damage);
    return Buffer.concat([damage.bytes.subarray(0, at), damage.bytes.subarray(at + damage.random.integer(1, 200))]);
  },
  'is cut off': (damage) => damage.bytes.subarray(0, anywhere(damage)),
  'is empty': () => Buffer.alloc(0),
  'gets NUL bytes': (damage) => insert(damage.bytes, anywhere(damage), Buffer.alloc(damage.random.pick([1, 3, 5000]))),
  'gets bytes that are no UTF-8': (damage) => insert(damage.bytes, anywhere(damage), damage.random.pick(INVALID_UTF8)),
  'gets tokens': (damage) => insert(damage.bytes, anywhere(damage), damage.random.pick(TOKENS)),
  'has a line twice': (damage) => {
    const { lines, at } = pickLine(damage);
    return Buffer.from(lines.toSpliced(at, 0, lines[at]!).join(''), 'latin1');
  },
  'lacks a line': (damage) => {
    const { lines, at } = pickLine(damage);
    return Buffer.from(lines.toSpliced(at, 1).join(''), 'latin1');
  },
  'has two lines exchanged': (damage) => {
    const { lines, at } = pickLine(damage);
    return Buffer.from([...lines.slice(0, at), ...lines.slice(at, at + 2).reverse(), ...lines.slice(at + 2)].join(''), 'latin1');
  },
  'gets a strange number': (damage) => replaceOne(damage, /\d+(\.\d+)?/g, HUGE_NUMBERS),
  'gets a strange path': (damage) => replaceOne(damage, /(?:train|test)\/[^\s"]+/g, PATHS),
  'gets another key': (damage) => replaceOne(damage, /[A-Za-z_]{3,}(?=")/g, ['Uid', 'Pid', 'pid', 'x', '', '__proto__', 'constructor']),
  'is nested deeply': (damage) => insert(damage.bytes, anywhere(damage), damage.random.pick(['[', '{"a":', '"']).repeat(damage.random.pick([100, 20_000]))),
  'gets a long line': (damage) => insert(damage.bytes, anywhere(damage), 'x'.repeat(damage.random.pick([30_000, 1_200_000]))),
  'gets a mark of byte order': (damage) => Buffer.concat([damage.random.pick([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from([0xff, 0xfe])]), damage.bytes]),
  'is UTF-16': (damage) => Buffer.from(damage.bytes.toString('latin1'), 'utf16le'),
  'is something else': (damage) => Buffer.from(Array.from({ length: damage.random.integer(1, 3000) }, () => damage.random.integer(0, 255))),
  'begins like Parquet': (damage) => Buffer.concat([Buffer.from('PAR1'), damage.bytes]),
};

/** What befalls a file as a whole. `null` content: it is gone; a function makes something else of its place. */
const FILE_DAMAGES: Readonly<Record<string, (damage: Damage) => void>> = {
  'is missing': ({ files, name }) => void files.delete(name),
  'is exchanged with another': ({ files, name, bytes, random }) => {
    const other = random.pick([...files.keys()]);
    files.set(name, files.get(other)!);
    files.set(other, bytes);
  },
  'is there under another name too': ({ files, name, bytes, random }) => void files.set(join(dirname(name), `${random.pick(['train_', 'test_', 'copy_'])}${name.split('/').at(-1)!}`), bytes),
};
/** What stands in the place of a file, as the file system has it. */
const PLACES: Readonly<Record<string, (path: string) => void>> = {
  'is a folder': (path) => mkdirSync(path),
  'is a link to nowhere': (path) => symlinkSync(join(dirname(path), 'nowhere'), path),
  'is a link out of the folder': (path) => symlinkSync('/etc/hostname', path),
  'is a link to itself': (path) => symlinkSync(path, path),
};

/** Writes `files` to `folder`, damaged in one to three ways; says what was done. */
export function writeDamaged(folder: string, files: FolderFiles, random: RandomStream): string {
  const damaged: FolderFiles = new Map(files);
  const places = new Map<string, (path: string) => void>();
  const done: string[] = [];
  for (let times = random.pick([1, 1, 1, 2, 3]); times > 0 && damaged.size > 0; times--) {
    const name = random.pick([...damaged.keys()]);
    const damage: Damage = { files: damaged, name, bytes: damaged.get(name)!, random };
    const kind = random.uniform();
    if (kind < 0.06) {
      const [what, make] = random.pick(Object.entries(PLACES));
      places.set(name, make);
      damaged.delete(name);
      done.push(`${name} ${what}`);
    } else if (kind < 0.18) {
      const [what, apply] = random.pick(Object.entries(FILE_DAMAGES));
      apply(damage);
      done.push(`${name} ${what}`);
    } else {
      const [what, apply] = random.pick(Object.entries(CONTENT_DAMAGES));
      damaged.set(name, apply(damage));
      done.push(`${name} ${what}`);
    }
  }
  writeFolder(folder, damaged);
  for (const [name, make] of places) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true }); // another damage may have put a file there
    make(path);
  }
  return done.join('; ');
}

/** Makes `folder` hold just these files. */
export function writeFolder(folder: string, files: FolderFiles): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}
