/** The steps of a session: what it said, with what came before on demand. */
import { button, el, Part, setText, show } from './dom';
import { CardModel, Host } from './host';
import { withoutName } from './lanes';
import { SessionEvent, State } from './types';
import { asText, clock, moment, plain, stateWord, stepWord, Words } from './words';

/** So many steps are fetched at a time. */
const PAGE = 1000;

/** Draw the latest steps, and earlier ones a page at a time. */
export class Steps implements Part<CardModel> {
  readonly node: HTMLElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    this.earlier = button(trans.__('Earlier steps'), 'jr-button jr-earlier', () => void this.loadEarlier());
    this.node = el('div', {}, this.earlier, this.problem, this.rows);
    this.rows.setAttribute('aria-label', trans.__('Steps'));
    this.offerEarlier();
  }

  update(model: CardModel): void {
    this.model = model;
    if (!this.fetching) {
      void this.catchUp(model);
    }
  }

  /** Draw what is new; what is no longer here is fetched. */
  private async catchUp({ snapshot, events }: CardModel): Promise<void> {
    if (this.last > snapshot.last_seq) {
      // The log has begun anew.
      this.rows.replaceChildren();
    }
    const { last } = this;
    if (last < snapshot.last_seq && !(events.length && events[0].seq <= last + 1)) {
      // Offline, what is here already is better than an error.
      this.append(await this.fetch(Math.max(last, snapshot.last_seq - PAGE)).catch(() => []));
    }
    this.append(this.model?.events ?? []);
  }

  private async loadEarlier(): Promise<void> {
    if (this.fetching) {
      return;
    }
    const { first } = this;
    show(this.problem, false);
    const events = await this.fetch(Math.max(0, first - 1 - PAGE)).catch(error => this.refused(error));
    const earlier = events.filter(({ seq }) => seq < first);
    this.most += earlier.length;
    this.rows.prepend(...earlier.map(event => this.row(event)));
    this.offerEarlier();
    if (this.model) {
      // What came meanwhile.
      this.update(this.model);
    }
  }

  private refused({ message }: Error): readonly SessionEvent[] {
    setText(this.problem, message);
    show(this.problem, true);
    return [];
  }

  private async fetch(after: number): Promise<readonly SessionEvent[]> {
    this.fetching = true;
    try {
      return (await this.host.events?.(after, PAGE)) ?? [];
    } finally {
      this.fetching = false;
    }
  }

  private append(events: readonly SessionEvent[]): void {
    const { rows, last } = this;
    const atEnd = rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 8;
    const fresh = events.filter(({ seq }) => seq > last);
    if (fresh.length && fresh[0].seq > last + 1) {
      // Rows have no holes: those before are earlier steps from now on.
      rows.replaceChildren();
    }
    rows.append(...fresh.map(event => this.row(event)));
    while (rows.childElementCount > this.most) {
      rows.firstElementChild?.remove();
    }
    this.offerEarlier();
    if (atEnd) {
      rows.scrollTop = rows.scrollHeight;
    }
  }

  private offerEarlier(): void {
    show(this.earlier, this.first > 1 && this.host.events !== undefined);
  }

  private row(event: SessionEvent): HTMLElement {
    const analyst = this.model?.snapshot.analysts.find(
      ({ id }) => id === event.detail.analyst
    );
    const name = analyst ? asText(analyst.name) : '';
    return el(
      'li',
      { class: 'jr-step', 'data-kind': event.kind, value: event.seq },
      el('time', { datetime: event.time, title: clock(event.time) }, moment(event.time)),
      name ? el('span', { class: 'jr-step-analyst' }, name) : null,
      el('span', {}, withoutName(this.words(event), name))
    );
  }

  private words(event: SessionEvent): string {
    if (event.message) {
      return event.message;
    }
    if (typeof event.detail.state === 'string') {
      return stateWord(this.trans, event.detail.state as State);
    }
    return event.step ? stepWord(this.trans, event.step) : plain(event.kind);
  }

  private get first(): number {
    return (this.rows.firstElementChild as HTMLLIElement | null)?.value ?? 0;
  }

  private get last(): number {
    return (this.rows.lastElementChild as HTMLLIElement | null)?.value ?? 0;
  }

  private model: CardModel | null = null;
  private fetching = false;
  /** How many rows stay: more once somebody has asked for earlier ones. */
  private most = PAGE;
  private readonly earlier: HTMLButtonElement;
  private readonly problem = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });
  private readonly rows = el('ol', { class: 'jr-steps', tabindex: 0 });
}
