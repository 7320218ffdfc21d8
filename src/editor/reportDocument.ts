// The report as a read-only document of its own scheme, shown in the Markdown preview.
import * as vscode from 'vscode';
import type { EvaluationReport } from '../protocol/report.ts';
import { reportMarkdown } from './reportMarkdown.ts';

const SCHEME = 'smp-report';

export class ReportDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #texts = new Map<string, string>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.path) ?? vscode.l10n.t('This report is no longer at hand. Show it again.');
  }

  async show(report: EvaluationReport): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${report.source.replace(/[^\p{L}\p{N} ._-]/gu, '_')}.md` });
    this.#texts.set(uri.path, reportMarkdown(report));
    this.#changed.fire(uri);
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}
