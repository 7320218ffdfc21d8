// What the file system refuses (no permission, a link to itself or to nothing, a folder where a file should be, a worn disk) is a
// fault of the data's place, told with the path; everything else stays the bug that it is.
import { UserError } from '../domain/errors.ts';
import type { PostSource } from './postSource.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you may not read it', EPERM: 'you may not read it', ENOENT: 'it is not there', ELOOP: 'it is a link that leads to itself', EISDIR: 'it is a folder', ENOTDIR: 'a part of its path is no folder',
  EIO: 'the disk cannot read it', EMFILE: 'too many files are open', ENFILE: 'too many files are open', ENAMETOOLONG: 'its name is too long', ESTALE: 'it is no longer the same file',
};

/** A UserError `file-unreadable` for an error of the file system, anything else as it is. */
export function toReadFault(error: unknown): unknown {
  const { syscall, code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof syscall !== 'string' || typeof code !== 'string') return error;
  return new UserError('file-unreadable', `${path ?? 'A file'} cannot be read: ${REASONS[code] ?? code}.`, 'Put the file itself there, or make it readable, then index again.', { cause: error });
}

/** Carries out a look at files. */
export async function withReadFaults<Result>(look: () => Promise<Result>): Promise<Result> {
  try {
    return await look();
  } catch (error) {
    throw toReadFault(error);
  }
}

/** The source, whose reading tells such faults too. */
export function tellingReadFaults(source: PostSource): PostSource {
  return {
    ...source,
    async *read(onHash) {
      try {
        yield* source.read(onHash);
      } catch (error) {
        throw toReadFault(error);
      }
    },
  };
}
