/** The end of a session: the report, or why there is none. */
import { button, el, Part, setText, show } from './dom';
import { Host } from './host';
import type { Outcome } from './outcome';
import { limitations, markdown } from './prose';
import { Snapshot } from './types';
import { asText, Words } from './words';

/** Stands for the report of a cancelled session, which is made when somebody asks for it. */
const PART = 'part';

/** Draw the error, the limitations or the report; the report is fetched once. */
export class Ending implements Part<Snapshot> {
  readonly node: HTMLElement;
  /** Why it came to that; stands above the progress. */
  readonly error = el('p', { class: 'jr-error', hidden: true });

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    const retry = button(trans.__('Try again'), 'jr-button', () => this.again());
    this.problem.append(this.sentence, ' ', retry);
    this.part = button(trans.__('Show what was found'), 'jr-button', () => {
      this.key = PART;
      show(this.part, false);
      void this.load(PART);
    });
    this.node = el('div', { class: 'jr-ending' }, this.part, this.problem, this.place);
  }

  /** The server is back: fetch what it did not give. */
  again(): void {
    if (!this.problem.hidden) {
      void this.load(this.key);
    }
  }

  update(snapshot: Snapshot): void {
    const error = snapshot.error;
    const sentence = this.sentenceOf(snapshot);
    setText(this.error, sentence);
    show(this.error, sentence !== '');
    this.error.dataset.code = asText(error?.code);
    this.answers = snapshot.researcher === 'analysts';
    const partly = isPartlyDone(snapshot);
    show(this.part, partly && this.key !== PART);
    if (partly && this.key === PART) {
      return;
    }
    if (!snapshot.report_available) {
      this.drawLimitations(snapshot);
      return;
    }
    const key = `${snapshot.session_id} ${snapshot.attempt}`;
    if (key !== this.key) {
      this.key = key;
      void this.load(key);
    }
  }

  dispose(): void {
    this.outcome?.dispose();
    this.key = '';
  }

  private sentenceOf({ state, error }: Snapshot): string {
    if (error) {
      return asText(error.message) || asText(error.code);
    }
    return state === 'interrupted'
      ? this.trans.__(
          'The server stopped while this session worked. Resume goes on from where it was.'
        )
      : '';
  }

  private drawLimitations({ state, limitations: given }: Snapshot): void {
    // That it was cancelled stands in the card's head.
    const sentences = state === 'cancelled' ? [] : given;
    const key = sentences.join('\n');
    if (this.key || key !== this.limits) {
      this.forget();
      this.limits = key;
      const node = limitations(sentences, this.trans);
      this.place.replaceChildren(...(node ? [node] : []));
    }
  }

  private forget(): void {
    this.key = '';
    this.outcome?.dispose();
    this.outcome = null;
  }

  private async load(key: string): Promise<void> {
    show(this.problem, false);
    this.place.setAttribute('aria-busy', 'true');
    try {
      const [{ Outcome }, report] = await Promise.all([
        import('./outcome'),
        this.host.report(key === PART)
      ]);
      if (key === this.key) {
        this.outcome?.dispose();
        this.outcome = new Outcome(
          report,
          this.host,
          this.trans,
          this.answers,
          key === PART
        );
        this.place.replaceChildren(this.outcome.node);
      }
    } catch (error) {
      if (key === this.key) {
        this.drawSaved((error as Error).message);
      }
    } finally {
      this.place.removeAttribute('aria-busy');
    }
  }

  /** Show the report as the notebook saved it, and why it is not the server's. */
  private drawSaved(reason: string): void {
    const saved = this.host.savedReport?.();
    if (saved && !this.outcome) {
      this.place.replaceChildren(markdown(saved, this.host));
    }
    setText(this.sentence, reason);
    show(this.problem, true);
  }

  private readonly part: HTMLButtonElement;
  private key = '';
  private limits = '';
  private answers = false;
  private outcome: Outcome | null = null;
  private readonly problem = el('p', { class: 'jr-notice', role: 'alert', hidden: true });
  private readonly sentence = el('span');
  private readonly place = el('div', { class: 'jr-place-report' });
}

/** Tell whether a cancelled session has something to show. */
function isPartlyDone({ state, report_available: whole, analysts }: Snapshot): boolean {
  return state === 'cancelled' && !whole && analysts.some(one => one.state === 'done');
}
