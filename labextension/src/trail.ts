/** The steps of a session: what it said, drawn when somebody asks. */
import { el, Part, setText } from './dom';
import { CardModel, Host } from './host';
import { SessionEvent, State } from './types';
import { withoutName } from './lanes';
import { asText, clock, moment, stateWord, stepWord, Words } from './words';

/** More rows than these nobody reads; the oldest leave. */
const MAX_ROWS = 1000;

/** Draw the steps in a fold; nothing is drawn or fetched while it is closed. */
export class Trail implements Part<CardModel> {
  readonly node: HTMLDetailsElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    this.node = el(
      'details',
      { class: 'jr-trail jr-fold' },
      el('summary', {}, this.count),
      this.rows
    );
    this.rows.setAttribute('aria-label', trans.__('Steps'));
    this.node.addEventListener('toggle', () => void this.open());
  }

  update(model: CardModel): void {
    this.model = model;
    const { last_seq } = model.snapshot;
    setText(this.count, this.trans._n('%1 step', '%1 steps', last_seq));
    if (this.node.open) {
      this.append(model.events);
    }
  }

  private async open(): Promise<void> {
    if (!this.node.open || !this.model || !this.host.events) {
      return this.append(this.model?.events ?? []);
    }
    const { last_seq } = this.model.snapshot;
    const after = Math.max(this.last, last_seq - MAX_ROWS);
    try {
      this.append(await this.host.events(after, MAX_ROWS));
    } catch {
      // Offline: what is here already is better than an error.
    }
    this.append(this.model.events);
  }

  private append(events: readonly SessionEvent[]): void {
    const atEnd =
      this.rows.scrollTop + this.rows.clientHeight >=
      this.rows.scrollHeight - 8;
    for (const event of events) {
      const words = this.words(event);
      if (event.seq <= this.last) {
        continue;
      }
      if (words) {
        this.rows.append(this.row(event, words));
      }
      this.last = event.seq;
    }
    while (this.rows.childElementCount > MAX_ROWS) {
      this.rows.firstElementChild?.remove();
    }
    if (atEnd) {
      this.rows.scrollTop = this.rows.scrollHeight;
    }
  }

  private row(event: SessionEvent, words: string): HTMLElement {
    const analyst = this.model?.snapshot.analysts.find(
      ({ id }) => id === event.detail.analyst
    );
    const name = analyst ? asText(analyst.name) : '';
    return el(
      'li',
      { class: 'jr-step', 'data-kind': event.kind },
      el('time', { datetime: event.time, title: clock(event.time) }, moment(event.time)),
      name ? el('span', { class: 'jr-step-analyst' }, name) : null,
      el('span', {}, withoutName(words, name))
    );
  }

  private words(event: SessionEvent): string {
    if (event.message) {
      return event.message;
    }
    if (typeof event.detail.state === 'string') {
      return stateWord(this.trans, event.detail.state as State);
    }
    return event.step ? stepWord(this.trans, event.step) : '';
  }

  private model: CardModel | null = null;
  private last = 0;
  private readonly count = el('span', { class: 'jr-count' });
  private readonly rows = el('ol', { class: 'jr-steps', tabindex: 0 });
}
