// The one place that shows notifications and dialogs: whatever they quote has been made plain text before (a test sees to it
// that nothing else calls the editor's own functions).
import * as vscode from 'vscode';
import { plainLines, plainMessage } from './plainMessage.ts';

/** Each resolves with the button that was chosen, or with undefined. */
export function tell(message: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showInformationMessage(plainMessage(message), ...buttons);
}

export function tellFailure(message: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showErrorMessage(plainMessage(message), ...buttons);
}

/** A dialog that waits for an answer. */
export function ask(message: string, detail: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showInformationMessage(plainMessage(message), { modal: true, detail: plainLines(detail) }, ...buttons);
}

/** A dialog that waits for an answer to something that cannot be undone. */
export function askWarning(message: string, detail: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showWarningMessage(plainMessage(message), { modal: true, detail: plainLines(detail) }, ...buttons);
}
