// How a failure is shown: a UserError as it is, with the command that mends it; a bug as one plain line with the log.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { isCancellation } from '../protocol/requestChannel.ts';
import { tellFailure } from './notify.ts';

/** Commands that mend what a code says. Codes are the contract; messages are never read. */
const REMEDIES: Readonly<Record<string, string>> = {
  'trainer-not-set-up': 'smpCurator.setUpTrainer',
  'python-missing': 'smpCurator.openSettings',
  'python-not-startable': 'smpCurator.setUpTrainer',
  'settings-invalid': 'smpCurator.openSettings',
  'source-unknown': 'smpCurator.index',
  'store-missing': 'smpCurator.index',
  'nothing-indexed': 'smpCurator.index',
  'not-sampled': 'smpCurator.runPlan',
  'sample-stale': 'smpCurator.runPlan',
  'not-instructed': 'smpCurator.runPlan',
  'instructions-stale': 'smpCurator.runPlan',
  'not-trained': 'smpCurator.runPlan',
  'model-stale': 'smpCurator.runPlan',
  'not-predicted': 'smpCurator.runPlan',
  'not-paired': 'smpCurator.runPlan',
  'python-too-old': 'smpCurator.openSettings',
  'skipped-rows': 'smpCurator.openSettings',
  'disk-full': 'smpCurator.doctor',
  'disk-too-full': 'smpCurator.doctor',
  'store-broken': 'smpCurator.doctor',
  'store-unreadable': 'smpCurator.doctor',
};

function remedyLabel(command: string): string {
  switch (command) {
    case 'smpCurator.setUpTrainer': return vscode.l10n.t('Set Up the Trainer');
    case 'smpCurator.openSettings': return vscode.l10n.t('Open Settings');
    case 'smpCurator.doctor': return vscode.l10n.t('Check the Store…');
    case 'smpCurator.runPlan': return vscode.l10n.t('Run the Whole Plan');
    default: return vscode.l10n.t('Index a Data Set…');
  }
}

/** Never throws and never rejects: it is the last to be called. Cancelling is no failure. */
export async function presentError(error: unknown, log: vscode.LogOutputChannel): Promise<void> {
  if (isCancellation(error) || error instanceof vscode.CancellationError) return;
  const openLog = vscode.l10n.t('Open Log');
  if (error instanceof UserError) {
    log.warn(`${error.code}: ${error.message}`);
    const command = REMEDIES[error.code];
    const label = command === undefined ? undefined : remedyLabel(command);
    const choice = await tellFailure(error.message, ...(label === undefined ? [openLog] : [label, openLog]));
    if (choice === undefined) return;
    if (choice === label && command !== undefined) await vscode.commands.executeCommand(command);
    else log.show();
    return;
  }
  log.error(error instanceof Error ? error : String(error));
  const choice = await tellFailure(vscode.l10n.t('SMP Curator met a fault of its own.'), openLog);
  if (choice !== undefined) log.show();
}
