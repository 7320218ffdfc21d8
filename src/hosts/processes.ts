// Whether a process lives, told from what its job's status file says of it (protocol/job.ts).
import { readFileSync } from 'node:fs';

/** Whether a process of this pid is there, whosever it is. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, but somebody else's
  }
}

/**
 * Whether the very process lives that the status names: pid, start time and boot must agree, as in supervisor.py, else a
 * job of before a restart would seem to run once its pid is somebody else's. Elsewhere than on Linux asking for a start time
 * needs another program, which is too slow for every look: there the pid decides, until the host asks its supervisor.
 */
export function isSupervisorAlive(status: { readonly supervisor_pid: number; readonly supervisor_start: string; readonly boot_id: string }): boolean {
  if (process.platform !== 'linux') return pidExists(status.supervisor_pid);
  try {
    if (readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').trim() !== status.boot_id) return false;
    const stat = readFileSync(`/proc/${status.supervisor_pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 1).trim().split(/\s+/); // the name before it may hold blanks and brackets
    return !/^[ZX]/.test(fields[0]!) && fields[19] === status.supervisor_start; // field 22 of stat(5)
  } catch {
    return false; // no such process
  }
}
