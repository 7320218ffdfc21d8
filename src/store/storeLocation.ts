// Where a workspace folder's store lies: `.smp/curation.sqlite` in it, or in a folder of this machine where the workspace
// folder is on a network file system, on which SQLite's write-ahead log is unsafe, or cannot be written.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

export interface StoreLocation {
  readonly storeFile: string;
  readonly storeFolder: string; // `.smp` of the workspace folder: runs/, models/, mappings/, decisions/
  readonly onNetwork: boolean;
  readonly writable: boolean; // the workspace folder; where it is not, all lies in the storage
}

/** File systems that are shared between machines, by statfs' magic number (linux/magic.h, and each system's own headers). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'], [0x517b, 'SMB'], [0xff534d42, 'CIFS'], [0xfe534d42, 'SMB 2'], [0x0bd00bd0, 'Lustre'], [0x47504653, 'GPFS'],
  [0x01021997, '9p'], [0x65735546, 'FUSE'], [0x00c36400, 'Ceph'], [0x19830326, 'BeeGFS'],
]);

/** What git keeps of the store's folder: what people decided and chose. The rest can be made again. */
const GITIGNORE = `# Written by SMP Curator: decisions, plans and mappings are worth keeping, everything else can be made again.
*
!.gitignore
!decisions/
!decisions/**
!plans/
!plans/**
!mappings/
!mappings/**
`;

/**
 * @param folder the workspace folder, absolute
 * @param storage a folder on this machine for stores that cannot lie in their workspace folder; `defaultStorage` unless a
 *   caller has reasons, so that the editor and the command line find the same store.
 * @param statfs tells a path's file system; tests stand in for a share
 */
export function locateStore(folder: string, storage: string, statfs: (path: string) => { readonly type: number } = statfsSync): StoreLocation {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const elsewhere = join(storage, 'stores', name);
  const onNetwork = networkFileSystem(folder, statfs) !== null;
  const writable = isWritable(folder);
  const storeFolder = writable ? join(folder, '.smp') : elsewhere;
  return { storeFile: join(onNetwork ? elsewhere : storeFolder, 'curation.sqlite'), storeFolder, onNetwork, writable };
}

/** Where a folder's store lies and why, as a sentence; `isUsual` where it lies in the folder itself. */
export function describePlace(folder: string, { storeFile, storeFolder }: Pick<StoreLocation, 'storeFile' | 'storeFolder'>): { readonly isUsual: boolean; readonly sentence: string } {
  if (dirname(storeFile) === join(folder, '.smp')) return { isUsual: true, sentence: 'It lies in the folder that it belongs to.' };
  const here = `The store lies in ${dirname(storeFile)} on this machine`;
  if (dirname(storeFile) === storeFolder) return { isUsual: false, sentence: `${here}, with everything that belongs to it, because ${folder} cannot be written.` };
  const fileSystem = networkFileSystem(folder) ?? 'network';
  return { isUsual: false, sentence: `${here}, because ${folder} is on a network file system (${fileSystem}), where SQLite could damage it. Jobs and decisions stay in ${storeFolder}.` };
}

/** Where programs keep a user's data on this system, and ours in it. */
export function defaultStorage(environment: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform = process.platform): string {
  const home = homedir();
  // The XDG specification has a path that is not absolute ignored.
  const named = (name: string): string | null => (isAbsolute(environment[name] ?? '') ? environment[name]! : null);
  const data = platform === 'win32' ? (named('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'))
    : platform === 'darwin' ? join(home, 'Library', 'Application Support')
      : (named('XDG_DATA_HOME') ?? join(home, '.local', 'share'));
  return join(data, 'smp-curator');
}

/** Makes the store's folder, and tells git what in it to leave out. An existing .gitignore stays as it is. */
export function prepareStoreFolder(location: Pick<StoreLocation, 'storeFolder'>): void {
  mkdirSync(location.storeFolder, { recursive: true });
  const path = join(location.storeFolder, '.gitignore');
  if (!existsSync(path)) writeFileSync(path, GITIGNORE);
}

/** Takes back what `prepareStoreFolder` and an empty, closed store made. Anything else in the folder, as a mapping to be corrected, keeps it. */
export function removeEmptyStoreFolder(storeFolder: string): void {
  const isOurs = (name: string): boolean => name === '.gitignore' || name.startsWith('curation.sqlite');
  if (readdirSync(storeFolder).every(isOurs)) rmSync(storeFolder, { recursive: true });
}

/** Whether files can be made in `.smp`, or in the folder where there is none yet. */
function isWritable(folder: string): boolean {
  const storeFolder = join(folder, '.smp');
  try {
    accessSync(existsSync(storeFolder) ? storeFolder : folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The network file system that a path is on, by name; null on a disk of this machine. Numbers are Linux's: elsewhere only UNC paths are told. */
export function networkFileSystem(path: string, statfs: (path: string) => { readonly type: number } = statfsSync): string | null {
  if (path.startsWith('\\\\')) return 'SMB';
  if (process.platform !== 'linux') return null;
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return NETWORK_FILE_SYSTEMS.get(Number(BigInt.asUintN(32, BigInt(statfs(existing).type)))) ?? null;
}
