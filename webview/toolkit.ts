// The one place that knows the webview toolkit: it was asked for by name and is no longer developed, so that another set of
// components must be able to take its place here.
import { provideVSCodeDesignSystem, vsCodeButton, vsCodeCheckbox, vsCodeDropdown, vsCodeOption, vsCodeTextField } from '@vscode/webview-ui-toolkit';
import { element } from './elements.ts';

provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption(), vsCodeTextField());

interface ValueElement extends HTMLElement {
  value: string;
}

export function button(label: string, appearance: 'primary' | 'secondary' | 'icon', onClick: () => void): HTMLElement & { disabled: boolean } {
  const made = element('vscode-button', { appearance }, label) as HTMLElement & { disabled: boolean };
  made.addEventListener('click', onClick);
  return made;
}

/** A button that shows a sign and is named by its label. */
export function iconButton(sign: string, label: string, onClick: () => void): HTMLElement & { disabled: boolean } {
  const made = button('', 'icon', onClick);
  made.append(element('span', { 'aria-hidden': 'true', class: 'sign' }, sign));
  made.setAttribute('aria-label', label);
  made.title = label;
  return made;
}

/** A text field with its label above; `onInput` hears every change, `onEnter` the key. */
export function textField(label: string, hint: string, onInput: (value: string) => void, onEnter?: (value: string) => void): ValueElement {
  const field = element('vscode-text-field', { placeholder: hint }, label) as ValueElement;
  field.addEventListener('input', () => onInput(field.value));
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') onEnter?.(field.value);
  });
  return field;
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

export interface Chooser {
  readonly element: HTMLElement;
  /** Replaces the choices where they differ, and chooses. Does not call `onChange`. */
  show(options: readonly Option[], value: string): void;
}

/** A list of which one is chosen, with its label above. */
export function chooser(label: string, onChange: (value: string) => void): Chooser {
  const dropdown = element('vscode-dropdown', { 'aria-label': label }) as ValueElement;
  let shown = '';
  dropdown.addEventListener('change', () => onChange(dropdown.value));
  return {
    element: element('label', { class: 'chooser' }, element('span', { 'aria-hidden': 'true' }, label), dropdown),
    show(options, value) {
      const key = JSON.stringify(options);
      if (key !== shown) dropdown.replaceChildren(...options.map((option) => {
        const made = element('vscode-option', {}, option.label) as ValueElement;
        made.value = option.value;
        return made;
      }));
      shown = key;
      queueMicrotask(() => {
        if (dropdown.value !== value) dropdown.value = value;
      });
    },
  };
}

export function checkbox(label: string, isChecked: boolean, onChange: (isChecked: boolean) => void): HTMLElement {
  const box = element('vscode-checkbox', {}, label) as HTMLElement & { checked: boolean };
  box.checked = isChecked;
  box.addEventListener('change', () => onChange(box.checked));
  return box;
}
