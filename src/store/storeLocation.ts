// Where a workspace folder's store lies: `.smp/curation.sqlite` in it, or in the extension's storage where the folder is on a
// network file system, on which SQLite's write-ahead log is unsafe.
import { createHash } from 'node:crypto';
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface StoreLocation {
  readonly storeFile: string;
  readonly storeFolder: string; // `.smp` of the workspace folder: runs/, models/, mappings/, decisions/
  readonly onNetwork: boolean;
}

/** File systems that are shared between machines, by statfs' magic number (linux/magic.h, and each system's own headers). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'], [0x517b, 'SMB'], [0xff534d42, 'CIFS'], [0xfe534d42, 'SMB 2'], [0x0bd00bd0, 'Lustre'], [0x47504653, 'GPFS'],
  [0x01021997, '9p'], [0x65735546, 'FUSE'], [0x00c36400, 'Ceph'], [0x19830326, 'BeeGFS'],
]);

/** @param storage a folder on this machine, used when `folder` is on a network file system */
export function locateStore(folder: string, storage: string): StoreLocation {
  const storeFolder = join(folder, '.smp');
  const onNetwork = networkFileSystem(folder) !== null;
  if (!onNetwork) return { storeFile: join(storeFolder, 'curation.sqlite'), storeFolder, onNetwork };
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return { storeFile: join(storage, 'stores', name, 'curation.sqlite'), storeFolder, onNetwork };
}

/** The network file system that a path is on, by name; null on a disk of this machine. Numbers are Linux's: elsewhere only UNC paths are told. */
export function networkFileSystem(path: string): string | null {
  if (path.startsWith('\\\\')) return 'SMB';
  if (process.platform !== 'linux') return null;
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return NETWORK_FILE_SYSTEMS.get(Number(BigInt.asUintN(32, BigInt(statfsSync(existing).type)))) ?? null;
}
