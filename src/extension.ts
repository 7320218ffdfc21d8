// Composition root of the editor: constructs, connects, registers. No logic. Whoever creates, disposes: everything here is
// handed to the extension's subscriptions.
import { join } from 'node:path';
import * as vscode from 'vscode';
import { CurationFolder, type FolderServices } from './editor/curationFolder.ts';
import { CurationFolders } from './editor/curationFolders.ts';
import { DataCommands } from './editor/dataCommands.ts';
import { DatabaseWorker, startThread } from './editor/databaseWorker.ts';
import { JobLog } from './editor/jobLog.ts';
import { lookBack } from './editor/lookBack.ts';
import { LargeFileHint, PagedFiles } from './editor/pagedFile.ts';
import { PictureCommands } from './editor/pictureCommands.ts';
import { PipelineModel } from './editor/pipelineModel.ts';
import { PipelineTree } from './editor/pipelineTree.ts';
import { PostCommands } from './editor/postCommands.ts';
import { POST_FILES, PostHover } from './editor/postHover.ts';
import { PostsPanels } from './editor/postsPanel.ts';
import { presentError } from './editor/presentError.ts';
import { registerCommands } from './editor/registerCommands.ts';
import { ReportDocuments } from './editor/reportDocument.ts';
import { ExportsTree, RunsTree } from './editor/runsTree.ts';
import { SampleStore } from './editor/sampleStore.ts';
import { currentExperiment } from './editor/settingsReader.ts';
import { ShowCommands } from './editor/showCommands.ts';
import { StageCommands } from './editor/stageCommands.ts';
import { StageRunner } from './editor/stageRunner.ts';
import { StatusBar } from './editor/statusBar.ts';
import { StoreCommands } from './editor/storeCommands.ts';
import { StoreNotices } from './editor/storeNotices.ts';
import { putCommandOnPath } from './editor/terminalPath.ts';
import type { WorkerData } from './protocol/workerRpc.ts';
import { openStore } from './store/openStore.ts';
import { picturesFolder } from './store/fetchedPictures.ts';
import { createPostCards } from './store/postCards.ts';
import { defaultStorage, locateStore } from './store/storeLocation.ts';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('SMP Curator', { log: true });
  const storage = context.globalStorageUri.fsPath;
  const shared = defaultStorage(process.env); // of the command line too
  const resources = context.asAbsolutePath('resources');
  const services: FolderServices = {
    log,
    openCards: async (storeFile, storeFolder, folder) => createPostCards(await openStore(storeFile, { readOnly: true, log }), () => currentExperiment(folder), picturesFolder(storeFolder)),
    startThread: (data) => startThread(context.asAbsolutePath(join('dist', 'worker.cjs')), data),
  };
  const workerData = (folder: string): Omit<WorkerData, 'role'> => {
    const { storeFile, storeFolder } = locateStore(folder, shared);
    return { folder, storeFile, storeFolder, resources, storage: shared, productVersion: context.extension.packageJSON.version as string };
  };
  const openFolder = (uri: vscode.Uri, name: string): CurationFolder => new CurationFolder(uri, name, workerData(uri.fsPath), services);
  const sample = new SampleStore({
    shipped: join(resources, 'sample'), storage,
    startWorker: (place) => new DatabaseWorker(services.startThread({ ...workerData(place.folder), ...place, role: 'live' }), log),
  });

  const folders = new CurationFolders(openFolder);
  const runner = new StageRunner();
  const model = new PipelineModel(folders, runner, log);
  const pipeline = new PipelineTree(model);
  const runs = new RunsTree(model);
  const exported = new ExportsTree(model);
  const pipelineView = vscode.window.createTreeView('smpCurator.pipeline', { treeDataProvider: pipeline, showCollapseAll: true });
  const jobLog = new JobLog();
  const reports = new ReportDocuments();
  const stages = new StageCommands(model, runner, log);
  const posts = new PostCommands({ folders, model, stages, memory: context.globalState, log });
  const postsPanels = new PostsPanels({ folders, decisions: posts, webview: vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview'), picturesFolder, log });
  const targets = {
    stages,
    data: new DataCommands({ folders, model, runner, stages, sample, storage: context.globalStorageUri, log }),
    pictures: new PictureCommands(model, stages, log),
    posts,
    store: new StoreCommands({ model, runner, log }),
    show: new ShowCommands({ model, folders, postsPanels, reports, jobLog, extensionId: context.extension.id, log }),
  };

  context.subscriptions.push(
    log, folders, runner, model, pipeline, runs, exported, pipelineView, jobLog, reports, postsPanels,
    vscode.window.createTreeView('smpCurator.runs', { treeDataProvider: runs }),
    vscode.window.createTreeView('smpCurator.exports', { treeDataProvider: exported }),
    new StoreNotices({ model, folders, memory: context.globalState, log }),
    targets.store,
    new StatusBar(model, pipelineView, context.workspaceState),
    new PagedFiles(),
    new LargeFileHint((path) => folders.knowPostFile(path)),
    vscode.languages.registerHoverProvider(POST_FILES, new PostHover(folders, model, log)),
    registerCommands(targets, log),
  );
  putCommandOnPath(context.environmentVariableCollection, context.extensionPath, shared);
  if (folders.current === undefined) await sample.install().then((uri) => folders.add(uri, vscode.l10n.t('Sample')), (error: unknown) => log.warn(String(error)));
  void lookBack(model, stages, log).catch((error: unknown) => presentError(error, log));
  log.info(`SMP Curator ${context.extension.packageJSON.version as string} is ready.`);
}
