// Once after the start: what an earlier session left. A training that still runs is offered; what was swept is in the log.
import * as vscode from 'vscode';
import { tell } from './notify.ts';
import type { PipelineModel } from './pipelineModel.ts';

/** Commands that go on with a stage's job: the same request finds the running job and follows it. */
const FOLLOWED = new Set(['train', 'predict', 'align']);

export async function lookBack(model: PipelineModel, log: vscode.LogOutputChannel): Promise<void> {
  await model.refresh();
  const { running } = model;
  if (running === null) return;
  log.info(`A job from before still runs: ${running.stage} (${running.jobFolder ?? 'no folder'}), ${running.message}`);
  const follow = vscode.l10n.t('Follow It');
  const showLog = vscode.l10n.t("Show Its Log");
  const actions = [...(FOLLOWED.has(running.stage) && running.source !== null ? [follow] : []), ...(running.jobFolder === null ? [] : [showLog])];
  const chosen = await tell(vscode.l10n.t('A job from before is still running: {0}.', running.stage), ...actions);
  if (chosen === follow) await vscode.commands.executeCommand(`smpCurator.${running.stage}`, running.source);
  else if (chosen === showLog) await vscode.commands.executeCommand('smpCurator.showJobLog', { jobFolder: running.jobFolder });
}
