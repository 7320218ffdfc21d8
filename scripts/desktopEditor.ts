// Finds the desktop's VS Code and runs its command line.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Of an application's folder on macOS, where `code` is on the PATH only once somebody has asked VS Code for it. */
const IN_BUNDLE = 'Visual Studio Code.app/Contents/Resources/app/bin/code';

/** The command of a desktop's VS Code that can open a window here; null where there is none. */
export function findDesktop(): string | null {
  if (process.env.WSL_DISTRO_NAME !== undefined) return null; // `code` is that of Windows
  if (process.platform === 'linux' && process.env.DISPLAY === undefined && process.env.WAYLAND_DISPLAY === undefined) return null;
  if (process.getuid?.() === 0) return null; // Electron refuses to run as root
  return firstThatRuns(desktopCommands(process.platform, homedir()));
}

/** Where the command may be, the likeliest first. */
export function desktopCommands(platform: NodeJS.Platform, home: string): string[] {
  return platform === 'darwin' ? ['code', join('/Applications', IN_BUNDLE), join(home, 'Applications', IN_BUNDLE)] : ['code'];
}

export function firstThatRuns(commands: readonly string[]): string | null {
  return commands.find((command) => runDesktop(command, ['--version']).status === 0) ?? null;
}

export function runDesktop(command: string, options: readonly string[]): SpawnSyncReturns<string> {
  // On Windows `code` is a .cmd, which only a shell starts, and Node gives a shell the words as they are.
  if (process.platform === 'win32') return spawnSync([command, ...options].map(quotedForCmd).join(' '), { encoding: 'utf8', shell: true });
  return spawnSync(command, options, { encoding: 'utf8' });
}

/** A word as cmd.exe and the program behind it read it again: quoted, and a backslash at its end does not escape the quote. */
export function quotedForCmd(word: string): string {
  return `"${word.replaceAll('"', '').replace(/\\+$/, '$&$&')}"`; // no path on Windows holds a quote
}
