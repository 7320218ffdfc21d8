// What can be done with a row, as a menu at the pointer or below the row.
import { element } from '../elements.ts';

export interface MenuItem {
  readonly label: string;
  readonly key: string; // shown beside; '' for none
  run(): void;
}

export class ContextMenu {
  readonly element = element('div', { class: 'menu', role: 'menu', hidden: '' });
  #back: HTMLElement | null = null; // where the focus came from

  constructor() {
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('focusout', ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.element.contains(relatedTarget))) this.element.hidden = true;
    });
  }

  open(items: readonly MenuItem[], x: number, y: number): void {
    this.#back = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.element.replaceChildren(...items.map((item) => {
      const made = element('button', { type: 'button', role: 'menuitem', tabindex: '-1' }, element('span', {}, item.label), element('span', { class: 'key', 'aria-hidden': 'true' }, item.key));
      made.addEventListener('click', () => {
        this.#close();
        item.run();
      });
      return made;
    }));
    this.element.hidden = false;
    const { width, height } = this.element.getBoundingClientRect();
    this.element.style.left = `${Math.max(0, Math.min(x, window.innerWidth - width - 4))}px`;
    this.element.style.top = `${Math.max(0, Math.min(y, window.innerHeight - height - 4))}px`;
    (this.element.firstElementChild as HTMLElement | null)?.focus();
  }

  #close(): void {
    this.element.hidden = true;
    this.#back?.focus();
  }

  #key(event: KeyboardEvent): void {
    const items = [...this.element.children] as HTMLElement[];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
