// Once after the start: what an earlier session left. A job that still runs can be followed; the result of one that ended
// while no editor was open can be taken, and one that was broken off can go on. What was swept is in the log.
import * as vscode from 'vscode';
import { tell } from './notify.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { isJobStage, type StageCommands } from './stageCommands.ts';

/** Following asks for what the job was asked for, whatever the settings say by now. */
export async function lookBack(model: PipelineModel, stages: StageCommands, log: vscode.LogOutputChannel): Promise<void> {
  await model.refresh();
  await stages.noticeTrainer();
  const { running } = model;
  if (running === null || running.jobFolder === null) return offerWhatEnded(model, stages, log);
  log.info(`A job from before still runs: ${running.stage} (${running.jobFolder}), ${running.message}`);
  const follow = vscode.l10n.t('Follow It');
  const showLog = vscode.l10n.t("Show Its Log");
  const chosen = await tell(vscode.l10n.t('A job from before is still running: {0}.', running.stage), ...(isJobStage(running.stage) ? [follow] : []), showLog);
  if (chosen === follow) await stages.follow(running.jobFolder);
  else if (chosen === showLog) await vscode.commands.executeCommand('smpCurator.showJobLog', { jobFolder: running.jobFolder });
}

/** The store learns how a job ended from whoever follows it, so one that nobody followed to its end still counts as begun. */
async function offerWhatEnded(model: PipelineModel, stages: StageCommands, log: vscode.LogOutputChannel): Promise<void> {
  const left = model.status?.runs.find((run) => run.endedAt === null && isJobStage(run.stage));
  if (left === undefined) return;
  log.info(`A job from before is not recorded as ended: ${left.id}, ${left.state} (${left.jobFolder})`);
  const [message, action] = left.state === 'succeeded'
    ? [vscode.l10n.t('A job from before has finished since: {0}. Its result is not in the store yet.', left.stage), vscode.l10n.t('Take Its Result')]
    : [vscode.l10n.t('A job from before was broken off: {0}. It goes on where it stopped.', left.stage), vscode.l10n.t('Go On')];
  if ((await tell(message, action)) === action) await stages.follow(left.jobFolder);
}
