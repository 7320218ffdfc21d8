// The one reader of the settings: typed, checked, with the manifest's defaults. Nothing else asks for a configuration.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import { DEFAULT_SETTINGS, SETTINGS, settingsSchema, type Settings } from '../protocol/settings.ts';
import type { MachineSettings } from '../protocol/workerRpc.ts';

export const SETTINGS_SECTION = 'smpCurator';

/** @throws {UserError} `settings-invalid`, naming the setting. */
export function readSettings(folder: vscode.Uri | undefined): Settings {
  const configuration = vscode.workspace.getConfiguration(SETTINGS_SECTION, folder);
  const values = Object.fromEntries(SETTINGS.map(({ key }) => [key, configuration.get(key)]));
  const parsed = settingsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError('settings-invalid', `The setting ${SETTINGS_SECTION}.${issue.path.join('.')} is not usable (${issue.message}).`, 'Correct it in the settings.', { cause: parsed.error });
}

/** What tells this experiment from another. Falls back to nothing: an unusable setting is the caller's to show. */
export function experimentOf(settings: Settings): Experiment {
  return { dataSeed: settings.dataSeed, trainingSeed: settings.trainingSeed, plan: settings.plan, base: settings.base, loss: settings['align.loss'] };
}

/** The experiment that the settings name now; the defaults' while one of them is unusable, which commands say when they need it. */
export function currentExperiment(folder: vscode.Uri): Experiment {
  try {
    return experimentOf(readSettings(folder));
  } catch (error) {
    if (error instanceof UserError) return experimentOf(DEFAULT_SETTINGS);
    throw error;
  }
}

export function machineOf(settings: Settings): MachineSettings {
  return { python: settings.python === '' ? null : settings.python, threads: settings.threads === 0 ? null : settings.threads };
}
