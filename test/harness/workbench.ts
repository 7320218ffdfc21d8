// Drives VS Code in a browser as a person would: palette, quick open, hovers, notifications, screenshots.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FrameLocator, Page } from 'playwright-core';
import { TEST_OUTPUT } from '../../scripts/paths.ts';

const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern', 'high contrast': 'Default High Contrast' } as const;
export type Theme = keyof typeof THEMES;
/** Settings of a theme for a profile that a server is started with. */
export const themeSettings = (theme: Theme) => ({ 'workbench.colorTheme': THEMES[theme] });

export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens a folder (absolute path) of the server's machine, or none, and waits for the status bar. */
  async open(address: string, folder?: string): Promise<void> {
    await this.page.goto(folder === undefined ? `${address}/?ew=true` : `${address}/?folder=${encodeURIComponent(folder)}`);
    await this.page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor({ timeout: 60_000 });
  }

  /**
   * Runs a command by its row in the palette. Tries again until the palette has taken it: extensions register late, focus may
   * wander, and a key that is pressed while the list is drawn anew is lost.
   * @param isWhole whether the row's title must be just this, not only hold it
   */
  async runCommand(title: string, { timeout = 60_000, isWhole = false } = {}): Promise<void> {
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    const row = (isWhole ? rows.filter({ has: this.page.getByText(title, { exact: true }) }) : rows.filter({ hasText: title })).first();
    await this.retry(timeout, async () => {
      await this.page.keyboard.press('F1');
      await this.quickInput.fill(`>${title}`, { timeout: 2000 });
      await row.waitFor({ timeout: 2000 });
      if (await row.evaluate((element) => (element as unknown as { matches(selector: string): boolean }).matches('.focused'), undefined, { timeout: 1000 })) await this.page.keyboard.press('Enter');
      else await row.click({ timeout: 2000 });
      await this.paletteClosed();
    }, () => this.page.keyboard.press('Escape'));
  }

  /** A palette that closes, or makes room for what the command itself asks, has started the command; one that stays has not. */
  private async paletteClosed(): Promise<void> {
    for (const deadline = Date.now() + 2000; await this.quickInput.isVisible() && (await this.quickInput.inputValue({ timeout: 1000 })).startsWith('>'); await this.page.waitForTimeout(50)) {
      if (Date.now() > deadline) throw new Error('The palette stays: it has not taken the command.');
    }
  }

  /** Opens a file of the workspace by name, at a line when given ('name:12'). */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.quickInput.waitFor({ state: 'visible' });
    await this.quickInput.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name.split(':')[0] ?? name }).first().waitFor({ timeout: 15_000 });
    await this.page.keyboard.press('Enter');
    await this.page.locator('.monaco-editor .view-line').first().waitFor({ timeout: 15_000 });
  }

  /** Rests the pointer on the last piece of text in the editor that holds `text`, and returns what the hover says. */
  async hover(text: string, timeout = 30_000): Promise<string> {
    const target = this.page.locator('.monaco-editor .view-line span', { hasText: text }).last();
    let said = '';
    await this.retry(timeout, async () => {
      await target.hover({ timeout: 10_000 });
      await this.hoverCard.filter({ hasNotText: /^Loading\.\.\.$/ }).waitFor({ state: 'visible', timeout: 3000 });
      said = await this.hoverCard.innerText();
    }, () => this.page.mouse.move(5, 5)); // the provider may not have been there yet: leave and come again
    return said;
  }

  /** Repeats what may come too early until it succeeds; `reset` goes between two attempts. Throws the last failure. */
  private async retry(timeout: number, attempt: () => Promise<void>, reset: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + timeout;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await reset();
      }
    }
  }

  get hoverCard() {
    return this.page.locator('.monaco-hover:visible .hover-contents').first();
  }

  get quickInput() {
    return this.page.locator('.quick-input-widget input.input');
  }

  /** The toast whose text holds `text`. */
  notification(text: string) {
    return this.page.locator('.notification-list-item', { hasText: text }).first();
  }

  statusBarItem(text: string) {
    return this.page.locator('.part.statusbar .statusbar-item', { hasText: text }).first();
  }

  /** The content of the webview panel that is shown. */
  get webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  /** Writes a PNG; a bare name goes below test/out/. */
  async screenshot(name: string): Promise<void> {
    const path = name.endsWith('.png') ? name : join(TEST_OUTPUT, 'screenshots', `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
  }
}
