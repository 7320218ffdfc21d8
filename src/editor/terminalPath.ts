// Puts `smp` on the PATH of integrated terminals, run by the editor's own Node.
import { delimiter, join } from 'node:path';
import * as vscode from 'vscode';

/** @param storage where stores and the trainer's environment lie that are not in a workspace folder: the same for terminals */
export function putCommandOnPath(variables: vscode.GlobalEnvironmentVariableCollection, extensionPath: string, storage: string): void {
  variables.description = new vscode.MarkdownString(vscode.l10n.t('Adds the command `smp` of SMP Curator.'));
  variables.prepend('PATH', `${join(extensionPath, 'dist', 'bin')}${delimiter}`);
  variables.replace('SMP_NODE', process.execPath);
  variables.replace('SMP_STORAGE', storage);
}
