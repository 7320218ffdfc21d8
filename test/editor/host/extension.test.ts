// Inside the extension host, against the installed VSIX: what is registered, and what hovers answer, read as data.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const EXTENSION = 'smp-curator.smp-curator';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

async function hoverAt(document: vscode.TextDocument, needle: string): Promise<vscode.MarkdownString[]> {
  const position = document.positionAt(document.getText().indexOf(needle));
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, position);
  return hovers.flatMap((hover) => hover.contents).filter((content): content is vscode.MarkdownString => content instanceof vscode.MarkdownString && content.value.includes('<table>'));
}

describe('the installed extension', () => {
  let extension: vscode.Extension<unknown>;

  before(async () => {
    extension = vscode.extensions.getExtension(EXTENSION)!;
    await extension.activate();
  });

  it('registers every command of its manifest', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const declared = (extension.packageJSON as Manifest).contributes.commands.map((command) => command.command);
    assert.deepEqual(declared.filter((command) => !registered.has(command)), []);
  });

  it('makes no store in a folder that is merely open', async () => {
    await vscode.commands.executeCommand('smpCurator.refresh');
    const folder = vscode.workspace.workspaceFolders![0]!.uri;
    assert.deepEqual((await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name).filter((name) => name === '.smp'), []);
  });

  it('answers hovers in the sample: card, trusted commands by name, no hover outside of a record', async () => {
    await vscode.commands.executeCommand('smpCurator.openSample');
    const document = vscode.window.activeTextEditor!.document;
    const [card] = await hoverAt(document, '"Pid"');
    assert.match(card!.value, /predicted&nbsp;<b>\d+\.\d\d<\/b>/);
    assert.deepEqual(card!.isTrusted, { enabledCommands: ['smpCurator.predictThisPost', 'smpCurator.showReport', 'smpCurator.searchPosts', 'smpCurator.showPostsOfUser'] });
    assert.equal(card!.supportHtml, true);
    assert.deepEqual(await hoverAt(document, '['), []);
  });

  it('answers hovers in the label list by line number, with the score of that line', async () => {
    const posts = vscode.window.activeTextEditor!.document.uri;
    const labels = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(posts, '..', '..', 'train_label.txt'));
    for (const line of [0, 7, labels.lineCount - 2]) {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', labels.uri, new vscode.Position(line, 0));
      const card = hovers.flatMap((hover) => hover.contents).find((content): content is vscode.MarkdownString => content instanceof vscode.MarkdownString);
      assert.ok(card!.value.includes(`true&nbsp;<b>${labels.lineAt(line).text.trim()}</b>`), `line ${line + 1}: ${card!.value}`);
    }
  });

  it('leaves files of nobody alone', async () => {
    const folder = vscode.workspace.workspaceFolders![0]!.uri;
    const file = vscode.Uri.joinPath(folder, 'other.json');
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode('[{"Pid":"1002","Title":"x"}]'));
    assert.deepEqual(await hoverAt(await vscode.workspace.openTextDocument(file), 'Pid'), []);
  });
});
