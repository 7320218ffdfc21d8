// Inside the extension host, against the installed VSIX: it activates, and what the manifest promises is there.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const ID = 'smp-curator.smp-curator';

describe('the installed extension', () => {
  it('activates', async () => {
    const extension = vscode.extensions.getExtension(ID);
    assert.ok(extension, `${ID} is not installed`);
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  it('registers every command of its manifest', async () => {
    const manifest = vscode.extensions.getExtension(ID)?.packageJSON as { contributes: { commands: { command: string }[] } };
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(manifest.contributes.commands.map(command => command.command).filter(command => !registered.has(command)), []);
  });

  it('reads its settings with the defaults of the manifest', () => {
    assert.equal(vscode.workspace.getConfiguration('smpCurator').get('plan'), 'ours');
  });
});
