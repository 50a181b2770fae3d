/** What a card writes with or without a report: Markdown, and limitations. */
import { Child, el } from './dom';
import { Host } from './host';
import { asText, Words } from './words';

/** Draw Markdown where the host can, else as the text it is. */
export function markdown(text: string, host: Host): HTMLElement {
  return (
    host.markdown?.(text) ?? el('div', { class: 'jr-markdown-text' }, text)
  );
}

/** Draw the limitations where there are any. */
export function limitations(sentences: readonly string[], trans: Words): Child {
  if (!sentences.length) {
    return null;
  }
  return el(
    'section',
    { class: 'jr-section jr-limitations' },
    el('h4', {}, trans.__('Limitations')),
    el('ul', {}, ...sentences.map(sentence => el('li', {}, asText(sentence))))
  );
}
