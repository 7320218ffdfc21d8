// The one table of commands. A test compares it with the manifest: every id on both sides, and the trust clause of what
// runs Python; `registerCommands` refuses in code too, since a keybinding or another extension may call anything.
import type { DataCommands } from './dataCommands.ts';
import type { PictureCommands } from './pictureCommands.ts';
import type { PostCommands } from './postCommands.ts';
import type { ShowCommands } from './showCommands.ts';
import type { StageCommands } from './stageCommands.ts';
import type { StoreCommands } from './storeCommands.ts';

/** What the commands act through; made in the composition root. */
export interface CommandTargets {
  readonly data: DataCommands;
  readonly stages: StageCommands;
  readonly pictures: PictureCommands;
  readonly posts: PostCommands;
  readonly show: ShowCommands;
  readonly store: StoreCommands;
}

export interface Command {
  /** Runs a program on this machine: refused in a workspace that is not trusted. */
  readonly needsTrust: boolean;
  run(targets: CommandTargets, argument: unknown): Promise<void> | void;
}

const command = (run: Command['run']): Command => ({ needsTrust: false, run });
const trusted = (run: Command['run']): Command => ({ needsTrust: true, run });

export const COMMANDS: Readonly<Record<string, Command>> = {
  'smpCurator.index': command(({ data }, path) => data.index(path)),
  'smpCurator.indexFound': command(({ data }) => data.indexFound()),
  'smpCurator.fetchPictures': command(({ pictures }, source) => pictures.fetch(source)),
  'smpCurator.showDeadPictures': command(({ pictures }, source) => pictures.deadPages(source)),
  'smpCurator.removeSource': command(({ data }, source) => data.remove(source)),
  'smpCurator.openSample': command(({ data }) => data.openSample()),
  'smpCurator.runDemo': trusted(({ data }) => data.runDemo()),

  'smpCurator.sample': command(({ stages }, source) => stages.sample(source)),
  'smpCurator.caption': command(({ stages }, source) => stages.caption(source)),
  'smpCurator.instruct': command(({ stages }, source) => stages.instruct(source)),
  'smpCurator.train': trusted(({ stages }, source) => stages.train(source)),
  'smpCurator.predict': trusted(({ stages }, source) => stages.predict(source)),
  'smpCurator.pair': command(({ stages }, source) => stages.pair(source)),
  'smpCurator.align': trusted(({ stages }, source) => stages.align(source)),
  'smpCurator.score': trusted(({ stages }, source) => stages.score(source)),
  'smpCurator.evaluate': command(({ stages }, source) => stages.evaluate(source)),
  'smpCurator.export': command(({ stages }, source) => stages.export(source)),
  'smpCurator.runPlan': trusted(({ stages }, source) => stages.runPlan(source)),
  'smpCurator.runEntry': command(({ stages }, entry) => stages.runEntry(entry)),
  'smpCurator.cancelStage': command(({ stages }) => stages.cancel()),
  'smpCurator.setUpTrainer': trusted(({ stages }) => stages.setUpTrainer()),

  'smpCurator.searchPosts': command(({ posts }, text) => posts.search(text)),
  'smpCurator.predictThisPost': trusted(({ posts }, key) => posts.predict(key)),
  'smpCurator.excludePost': command(({ posts }, key) => posts.exclude(key)),
  'smpCurator.restorePost': command(({ posts }, key) => posts.restore(key)),

  'smpCurator.showPosts': command(({ show }, source) => show.posts(source)),
  'smpCurator.showPostsOfUser': command(({ show }, user) => show.postsOfUser(user)),
  'smpCurator.nextPage': command(({ show }) => show.turnPage('next')),
  'smpCurator.previousPage': command(({ show }) => show.turnPage('previous')),
  'smpCurator.showReport': command(({ show }, source) => show.report(source)),
  'smpCurator.showSkippedRows': command(({ show }, source) => show.skippedRows(source)),
  'smpCurator.showJobLog': command(({ show }, run) => show.jobLog(run)),
  'smpCurator.revealExport': command(({ show }, made) => show.exported(made)),
  'smpCurator.doctor': command(({ store }) => store.check()),
  'smpCurator.backUpStore': command(({ store }) => store.backUp()),
  'smpCurator.restoreBackup': command(({ store }) => store.restore()),

  'smpCurator.showLog': command(({ show }) => show.log()),
  'smpCurator.refresh': command(({ show }) => show.refresh()),
  'smpCurator.openWalkthrough': command(({ show }) => show.walkthrough()),
  'smpCurator.openSettings': command(({ show }) => show.settings()),
};
