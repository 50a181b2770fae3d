/** The report: sections, claims with their citations, sources, and how it was made. */
import { append, button, Child, el } from './dom';
import { headline } from './headline';
import { Host } from './host';
import { Passage, placeWords, quoteNodes } from './passage';
import { Peek } from './peek';
import { limitations, markdown } from './prose';
import { sourceRow } from './source';
import {
  Citation,
  Claim,
  isObject,
  JsonObject,
  Report,
  Section,
  Source,
  Verdict,
  VERDICTS
} from './types';
import { verdictSentence, verdictWord } from './verdicts';
import { asText, plain, usageWords, Words } from './words';

/** Verdicts that need no mark beside the claim. */
const QUIET: ReadonlySet<Verdict> = new Set(['verbatim', 'terms match']);

/** Draw a finished report. */
export class ReportView {
  readonly node: HTMLElement;

  constructor(
    private readonly report: Report,
    private readonly host: Host,
    private readonly trans: Words
  ) {
    this.sources = new Map(report.sources.map(source => [source.id, source]));
    this.node = el('article', { class: 'jr-report' });
    append(this.node, [
      this.title(),
      ...this.body(),
      this.sourceList(),
      limitations(report.limitations, trans),
      guard(report.made),
      made(report, trans),
      this.peek.node
    ]);
  }

  dispose(): void {
    this.peek.hide();
  }

  /** Markdown that somebody wrote is drawn as that, and claims as claims. */
  private body(): Child[] {
    const { markdown: text, sections } = this.report;
    return text === undefined
      ? [
          el('p', { class: 'jr-headline' }, headline(this.report, this.trans)),
          this.verdicts(),
          ...written(sections).map(section => this.section(section))
        ]
      : [markdown(text, this.host)];
  }

  /** The topic stands in the card's head already. */
  private title(): Child {
    const { title, topic } = this.report;
    const rest = title.endsWith(topic)
      ? title.slice(0, -topic.length).replace(/[\s:–—-]+$/, '')
      : title;
    return rest ? el('h3', { class: 'jr-title' }, rest) : null;
  }

  private section({ heading, claims }: Section): HTMLElement {
    const asList = claims.filter(claim => claim.verdict === 'verbatim').length > 1;
    const uncited = claims.every(({ verdict, note }) => verdict === 'uncited' && !note);
    return el(
      'section',
      { class: 'jr-section', 'data-verdict': uncited ? 'uncited' : null },
      el(
        'h4',
        {},
        heading,
        // Said once for all claims of the section.
        uncited ? this.flag('uncited') : null
      ),
      asList
        ? el(
            'ul',
            { class: 'jr-claims' },
            ...claims.map(claim => this.claim(claim, 'li', uncited))
          )
        : el(
            'div',
            { class: 'jr-prose' },
            ...claims.map(claim => this.claim(claim, 'span', uncited))
          )
    );
  }

  private claim(
    claim: Claim,
    tag: 'li' | 'span',
    flagged: boolean
  ): HTMLElement {
    const node = el(tag, {
      class: 'jr-claim',
      'data-verdict': claim.note ? null : claim.verdict,
      'data-claim': claim.id
    });
    const marks = claim.citations.map(citation =>
      this.mark(claim, citation, node)
    );
    append(node, withMarks(inline(claim.text), marks));
    if (!flagged && !claim.note && !QUIET.has(claim.verdict)) {
      node.append(' ', this.flag(claim.verdict, claim.missing));
    }
    node.append(' ');
    return node;
  }

  private flag(verdict: Verdict, missing: readonly string[] = []): HTMLElement {
    const word = verdictWord(this.trans, verdict);
    return el(
      'span',
      { class: 'jr-flag', title: verdictSentence(this.trans, verdict) },
      missing.length ? `${word}: ${missing.map(asText).join(', ')}` : word
    );
  }

  private mark(
    claim: Claim,
    citation: Citation,
    place: HTMLElement
  ): HTMLElement {
    const source = this.sources.get(citation.source);
    const number = source ? String(source.number) : '?';
    const mark = button(number, 'jr-cite', () => toggle());
    mark.setAttribute('aria-expanded', 'false');
    mark.setAttribute(
      'aria-label',
      this.trans.__('Citation %1: %2', number, placeWords(this.trans, citation, source))
    );
    let passage: Passage | null = null;
    const toggle = (): void => {
      this.peek.hide();
      if (passage) {
        passage.node.remove();
        passage = null;
      } else {
        passage = new Passage(this.host, this.trans, claim, citation, source);
        place.append(passage.node);
      }
      mark.setAttribute('aria-expanded', String(passage !== null));
    };
    this.peek.attach(mark, () =>
      passage ? [] : quoteNodes(this.trans, claim, citation, source)
    );
    return mark;
  }

  private verdicts(): Child {
    const counts = new Map<Verdict, number>();
    for (const { claims } of this.report.sections) {
      for (const { verdict, note } of claims) {
        if (!note) {
          counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
        }
      }
    }
    const present = VERDICTS.filter(verdict => counts.has(verdict));
    if (!present.length) {
      return null;
    }
    const bar = el('div', { class: 'jr-verdict-bar', 'aria-hidden': 'true' });
    const legend = el('ul', { class: 'jr-legend' });
    legend.setAttribute('aria-label', this.trans.__('What the check of the citations found'));
    for (const verdict of present) {
      const count = counts.get(verdict) as number;
      const part = el('span', { 'data-verdict': verdict });
      part.style.flexGrow = String(count);
      bar.append(part);
      legend.append(
        el('li', { 'data-verdict': verdict }, `${count} ${verdictWord(this.trans, verdict)}`)
      );
    }
    return el('div', { class: 'jr-verdicts' }, bar, legend);
  }

  private sourceList(): Child {
    const { sources } = this.report;
    if (!sources.length) {
      return null;
    }
    return el(
      'section',
      { class: 'jr-section jr-sources' },
      el('h4', {}, this.trans.__('Sources')),
      el('ol', {}, ...sources.map(source => sourceRow(source, this.trans)))
    );
  }

  private readonly sources: ReadonlyMap<string, Source>;
  private readonly peek = new Peek();
}

/** A session that ended at a cap leaves headings with nothing beneath them. */
function written(sections: readonly Section[]): readonly Section[] {
  return sections.filter(({ claims }) => claims.length > 0);
}

/** Draw `code` as code and everything else as it stands. */
function inline(text: string): Child[] {
  return text
    .split(/(`[^`\n]+`)/)
    .filter(part => part)
    .map(part =>
      /^`[^`]+`$/.test(part) ? el('code', {}, part.slice(1, -1)) : part
    );
}

/** Put the numbers behind the last word, with no line break between them. */
function withMarks(text: Child[], marks: HTMLElement[]): Child[] {
  const last = text[text.length - 1];
  const [head, word] =
    typeof last === 'string'
      ? [last.replace(/\S+\s*$/, ''), /\S+(?=\s*$)/.exec(last)?.[0] ?? '']
      : [null, last ?? null];
  return [
    ...text.slice(0, -1),
    head,
    el('span', { class: 'jr-marks' }, word, ...marks)
  ];
}

/** What a session that is local only was kept from stands where everybody sees it. */
function guard({ guard: sentence }: JsonObject): Child {
  return sentence ? el('p', { class: 'jr-hint jr-guard' }, asText(sentence)) : null;
}

function made(report: Report, trans: Words): Child {
  const rows = flat(report.made);
  const usage = usageWords(trans, report.usage);
  if (usage.length) {
    rows.push([trans.__('Usage'), usage.join(', ')]);
  }
  if (!rows.length) {
    return null;
  }
  return el(
    'details',
    { class: 'jr-fold jr-made' },
    el('summary', {}, trans.__('How this was made')),
    el(
      'dl',
      {},
      ...rows.flatMap(([name, value]) => [
        el('dt', {}, name),
        el('dd', {}, value)
      ])
    )
  );
}

function flat(made: JsonObject, prefix = ''): [string, string][] {
  return Object.entries(made).flatMap(([name, value]): [string, string][] => {
    const words = prefix + plain(name);
    if (isObject(value)) {
      return flat(value, `${words}: `);
    }
    const text = asText(value);
    return text ? [[words, text]] : [];
  });
}
