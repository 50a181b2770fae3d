/** A source: its row in the list, its mark where it was retracted, and its address on the web. */
import { Child, el } from './dom';
import { Source } from './types';
import { Words } from './words';

/** Draw a source as a row of the list of sources. */
export function sourceRow(source: Source, trans: Words): HTMLElement {
  const facts = [
    source.authors.join(', '),
    source.year === null ? '' : String(source.year),
    source.pages === null ? '' : trans._n('%1 page', '%1 pages', source.pages)
  ].filter(fact => fact);
  const link = address(source);
  return el(
    'li',
    { value: source.number },
    el('span', { class: 'jr-source-title' }, source.title),
    retracted(source, trans),
    el(
      'div',
      { class: 'jr-source-facts' },
      facts.length ? `${facts.join(' · ')} · ` : null,
      source.path ? el('span', { class: 'jr-source-place' }, source.path) : null,
      source.path && link ? ' · ' : null,
      link
    )
  );
}

/** Mark a source that its publisher took back. */
export function retracted(source: Source | undefined, trans: Words): Child {
  return source?.retracted
    ? el(
        'span',
        {
          class: 'jr-flag jr-retracted',
          title: trans.__('It was retracted: what it says no longer stands.')
        },
        trans.__('retracted')
      )
    : null;
}

/** Give the address of a source; only those of the web become links, everything else is text. */
export function address({ url, doi }: Source): Child {
  const found = url ?? (doi ? `https://doi.org/${doi}` : null);
  return found !== null && /^https?:\/\//i.test(found)
    ? el('a', { href: found, target: '_blank', rel: 'noopener noreferrer' }, found)
    : found;
}
