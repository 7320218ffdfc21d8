// Registers the table: one place for trust, for failures, and for nothing else.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { COMMANDS, type CommandTargets } from './commands.ts';
import { presentError } from './presentError.ts';

export function registerCommands(targets: CommandTargets, log: vscode.LogOutputChannel): vscode.Disposable {
  return vscode.Disposable.from(...Object.entries(COMMANDS).map(([id, command]) => vscode.commands.registerCommand(id, async (argument: unknown) => {
    try {
      if (command.needsTrust) requireTrust();
      await command.run(targets, argument);
    } catch (error) {
      await presentError(error, log);
    }
  })));
}

/** @throws {UserError} `untrusted` */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new UserError('untrusted', vscode.l10n.t('This workspace is not trusted, so no Python runs in it.'), vscode.l10n.t('Trust the workspace first (Workspaces: Manage Workspace Trust).'));
}
