// Making elements. Every text goes in as text, never as markup: posts are written by strangers.

type Child = Node | string;

/** An element with attributes (set as they are) and children; a string becomes a text node. */
export function element(name: string, attributes: Readonly<Record<string, string>> = {}, ...children: readonly Child[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The same in SVG. */
export function drawn(name: string, attributes: Readonly<Record<string, string | number>> = {}, ...children: readonly Child[]): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** Shows or hides without a place left. */
export function show(shown: HTMLElement, isVisible: boolean): void {
  shown.hidden = !isVisible;
}
