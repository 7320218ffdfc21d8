// Once after the start: what an earlier session left. A training that still runs is offered; what was swept is in the log.
import * as vscode from 'vscode';
import { tell } from './notify.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { isJobStage, type StageCommands } from './stageCommands.ts';

/** Following asks for what the job was asked for, whatever the settings say by now. */
export async function lookBack(model: PipelineModel, stages: StageCommands, log: vscode.LogOutputChannel): Promise<void> {
  await model.refresh();
  const { running } = model;
  if (running === null || running.jobFolder === null) return;
  log.info(`A job from before still runs: ${running.stage} (${running.jobFolder}), ${running.message}`);
  const follow = vscode.l10n.t('Follow It');
  const showLog = vscode.l10n.t("Show Its Log");
  const chosen = await tell(vscode.l10n.t('A job from before is still running: {0}.', running.stage), ...(isJobStage(running.stage) ? [follow] : []), showLog);
  if (chosen === follow) await stages.follow(running.jobFolder);
  else if (chosen === showLog) await vscode.commands.executeCommand('smpCurator.showJobLog', { jobFolder: running.jobFolder });
}
