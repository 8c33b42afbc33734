import { Window } from 'happy-dom';
import type { ComponentType } from 'react';
import { until } from './process.js';

/** What React looks for in the global scope. */
const GLOBALS = ['window', 'document', 'FormData', 'HTMLIFrameElement'] as const;

/** A React app in a page without a browser. */
export class Page {
  private constructor(
    private readonly window: Window,
    readonly close: () => Promise<void>,
  ) {}

  static async open(App: ComponentType): Promise<Page> {
    const window = new Window();
    const before = GLOBALS.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    for (const name of GLOBALS) {
      const value: unknown = name === 'window' ? window : window[name];
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    // It looks for the page while it is loaded.
    const [{ createRoot }, { createElement }] = await Promise.all([
      import('react-dom/client'),
      import('react'),
    ]);
    const root = createRoot(window.document.body);
    root.render(createElement(App));
    return new Page(window, async () => {
      root.unmount();
      await window.happyDOM.close();
      for (const [index, name] of GLOBALS.entries()) {
        Reflect.deleteProperty(globalThis, name);
        const descriptor = before[index];
        if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor);
      }
    });
  }

  text(): string {
    return this.window.document.body.textContent;
  }

  count(selector: string): number {
    return this.window.document.querySelectorAll(selector).length;
  }

  /** Waits until the page shows it. */
  async shows(condition: () => boolean, what: string): Promise<void> {
    await until(condition, () => `The page does not show ${what}: ${this.text()}`, 30_000);
  }

  async click(label: string): Promise<void> {
    const found = await until(
      () => {
        const buttons = [...this.window.document.querySelectorAll('button')];
        return buttons.find(({ textContent, disabled }) => textContent === label && !disabled) ?? null;
      },
      () => `There is no button ${label}: ${this.text()}`,
      30_000,
    );
    found.click();
  }

  /** Types into the field, letter by letter. */
  async type(selector: string, text: string): Promise<void> {
    const field = await until(
      () => this.window.document.querySelector(selector),
      () => `There is no field ${selector}: ${this.text()}`,
      30_000,
    );
    const value = Object.getOwnPropertyDescriptor(this.window.HTMLInputElement.prototype, 'value');
    for (let length = 1; length <= text.length; length++) {
      // Not by assignment: React looks whether the value differs from the one that was assigned last.
      value?.set?.call(field, text.slice(0, length));
      field.dispatchEvent(new this.window.Event('input', { bubbles: true }));
    }
  }
}
