/** What a citation rests on: the quote, its place, and the text around it. */
import { el } from './dom';
import { Host } from './host';
import { address, retracted } from './source';
import { Citation, Claim, Source } from './types';
import { verdictSentence, verdictWord } from './verdicts';
import { Words } from './words';

/** Characters of the stored text shown before and after a quote. */
const AROUND = 400;

/** Say where a quote stands: `Title · page 4`. */
export function placeWords(
  trans: Words,
  citation: Citation,
  source: Source | undefined
): string {
  const places = [source?.title ?? citation.source];
  if (citation.page !== undefined) {
    places.push(trans.__('page %1', citation.page));
  }
  if (citation.cell !== undefined) {
    places.push(trans.__('cell %1', citation.cell));
  }
  if (citation.heading !== undefined) {
    places.push(citation.heading);
  }
  return places.join(' · ');
}

/** Draw the quote with its place and the claim's verdict. */
export function quoteNodes(
  trans: Words,
  claim: Claim,
  citation: Citation,
  source: Source | undefined
): Node[] {
  const link = source ? address(source) : null;
  return [
    el('blockquote', { class: 'jr-quote' }, citation.quote),
    el(
      'div',
      { class: 'jr-place' },
      placeWords(trans, citation, source),
      retracted(source, trans)
    ),
    ...(link ? [el('div', { class: 'jr-address' }, link)] : []),
    el(
      'div',
      { class: 'jr-verdict', 'data-verdict': claim.verdict },
      el('b', {}, verdictWord(trans, claim.verdict)),
      ' ',
      verdictSentence(trans, claim.verdict)
    )
  ];
}

/** Draw a citation in place, with the text around the quote where it can be fetched. */
export class Passage {
  readonly node: HTMLElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words,
    claim: Claim,
    private readonly citation: Citation,
    source: Source | undefined
  ) {
    const nodes = quoteNodes(trans, claim, citation, source);
    this.quote = nodes[0] as HTMLElement;
    this.node = el('div', { class: 'jr-passage' }, ...nodes);
    void this.widen();
  }

  private async widen(): Promise<void> {
    if (!this.host.source) {
      return;
    }
    try {
      const { text } = await this.host.source(this.citation.source);
      const [before, quote, after] = around(text, this.citation);
      // A quote that does not stand there is shown as the report has it.
      if (quote === this.citation.quote) {
        this.quote.replaceChildren(before, el('mark', {}, quote), after);
      }
    } catch (error) {
      this.node.append(
        el(
          'div',
          { class: 'jr-hint' },
          this.trans.__('The text around it could not be fetched: %1', (error as Error).message)
        )
      );
    }
  }

  private readonly quote: HTMLElement;
}

/** Cut the quote and what surrounds it out of `text`; spans count code points. */
export function around(
  text: string,
  { start, end }: Pick<Citation, 'start' | 'end'>
): [string, string, string] {
  const from = offset(text, start);
  const to = offset(text, end - start, from);
  const first = Math.max(0, from - AROUND);
  const last = Math.min(text.length, to + AROUND);
  return [
    (first > 0 ? '… ' : '') + wholeWords(text.slice(first, from), first > 0),
    text.slice(from, to),
    wholeEnd(text.slice(to, last), last < text.length) +
      (last < text.length ? ' …' : '')
  ];
}

function wholeWords(text: string, cut: boolean): string {
  return cut ? text.replace(/^\S*\s/, '') : text;
}

function wholeEnd(text: string, cut: boolean): string {
  return cut ? text.replace(/\s\S*$/, '') : text;
}

/** Give the index in UTF-16 units that lies `points` code points after `from`. */
function offset(text: string, points: number, from = 0): number {
  let index = from;
  for (let left = points; left > 0 && index < text.length; left -= 1) {
    index += (text.codePointAt(index) as number) > 0xffff ? 2 : 1;
  }
  return index;
}
