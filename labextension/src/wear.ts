/** Put a style sheet into the page, once. */
import { el } from './dom';

export function wear(name: string, css: string): void {
  const id = `jr-style-${name}`;
  if (!document.getElementById(id)) {
    document.head.append(el('style', { id }, css));
  }
}
