// Every setting is a flag with the manifest's default: `train.poolSteps` is --train-pool-steps.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { SETTINGS, settingsSchema, type SettingDefinition, type SettingKey, type Settings } from '../protocol/settings.ts';

/** Groups whose settings belong to one verb of the same name: the flag does without them (--format, --allow-skips). */
const OWN_VERB = ['index.', 'export.', 'pictures.'];

/** '--train-pool-steps' for 'train.poolSteps'. */
export function flagOf(key: SettingKey): string {
  const group = OWN_VERB.find((prefix) => key.startsWith(prefix)) ?? '';
  return `--${key.slice(group.length).replace('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Adds the settings as options of a command; their values are read back by `settingsFrom`. */
export function addSettings(command: Command, keys: readonly SettingKey[]): Command {
  for (const key of keys) {
    const setting = SETTINGS.find((one) => one.key === key)!;
    const description = setting.description.replace(/[`*]/g, '');
    const option = new Option(setting.type === 'boolean' ? flagOf(key) : `${flagOf(key)} <${setting.choices ? 'choice' : setting.type}>`, description).default(setting.default);
    if (setting.choices) option.choices([...setting.choices]);
    else if (setting.type !== 'boolean') option.argParser((text) => parse(setting, text));
    command.addOption(option);
  }
  return command;
}

/** All settings: those given as flags, the manifest's defaults for the others. */
export function settingsFrom(command: Command): Settings {
  const values = SETTINGS.map((setting): [string, unknown] => {
    const option = command.options.find((one) => one.long === flagOf(setting.key));
    return [setting.key, option === undefined ? setting.default : command.getOptionValue(option.attributeName())];
  });
  return settingsSchema.parse(Object.fromEntries(values));
}

function parse(setting: SettingDefinition, text: string): string | number {
  const value = setting.type === 'string' ? text : text.trim() === '' ? NaN : Number(text);
  const checked = settingsSchema.shape[setting.key].safeParse(value);
  if (!checked.success) throw new InvalidArgumentError(checked.error.issues[0]!.message);
  return value;
}
