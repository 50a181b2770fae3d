/** The lanes: one per analyst, each with its own bar and latest step. */
import { Bar, fraction } from './bar';
import { el, Keyed, Part, setAttributes, setText } from './dom';
import { CardModel } from './host';
import { Analyst, isWorking } from './types';
import { asText, stepWord, Words } from './words';

interface Lane {
  readonly analyst: Analyst;
  readonly active: boolean;
  /** What the analyst said last. */
  readonly said: string | null;
}

/** Draw the analysts of a session side by side in time. */
export class Lanes implements Part<CardModel> {
  readonly node = el('ul', { class: 'jr-lanes' });

  constructor(trans: Words) {
    this.node.setAttribute('aria-label', trans.__('Analysts'));
    this.list = new Keyed<Lane>(
      this.node,
      ({ analyst }, index) => analyst.id ?? index,
      () => new LaneRow(trans)
    );
  }

  update({ snapshot, events, link }: CardModel): void {
    for (const event of events) {
      if (event.seq > this.seen && event.message !== null) {
        this.said.set(event.detail.analyst, event.message);
      }
    }
    this.seen = events.length ? events[events.length - 1].seq : this.seen;
    const active = isWorking(snapshot.state) && link === 'live';
    this.list.update(
      snapshot.analysts.map(analyst => ({
        analyst,
        active: active && analyst.state === 'working',
        said: this.lastOf(analyst)
      }))
    );
  }

  private lastOf({ id, name }: Analyst): string | null {
    const said = this.said.get(id);
    return said === undefined ? null : withoutName(said, asText(name));
  }

  private readonly list: Keyed<Lane>;
  private readonly said = new Map<unknown, string>();
  private seen = 0;
}

/** Leave out the name that stands beside it already. */
export function withoutName(said: string, name: string): string {
  const prefix = `${name}: `;
  return said.startsWith(prefix) ? said.slice(prefix.length) : said;
}

class LaneRow implements Part<Lane> {
  readonly node: HTMLElement;

  constructor(private readonly trans: Words) {
    this.node = el(
      'li',
      { class: 'jr-lane' },
      this.name,
      this.bar.node,
      this.percent,
      this.step
    );
  }

  update({ analyst, active, said }: Lane): void {
    const name = asText(analyst.name) || asText(analyst.id);
    setAttributes(this.node, { 'data-state': analyst.state });
    setText(this.name, name);
    setAttributes(this.name, { title: asText(analyst.role) || null });
    const { done, total } = analyst;
    this.bar.update({ label: name, done, total, active });
    const part = fraction(done, total);
    setText(this.percent, part === null ? '' : `${Math.floor(part * 100)} %`);
    const step = this.words(analyst, said);
    setText(this.step, step);
    setAttributes(this.step, { title: step });
  }

  private words(analyst: Analyst, said: string | null): string {
    switch (analyst.state) {
      case 'failed':
        return asText(analyst.failed);
      case 'done':
        return `✓ ${said ?? this.trans.__('done')}`;
      case 'waiting':
        return this.trans.__('waiting');
      default:
        return said ?? (analyst.step ? stepWord(this.trans, analyst.step) : '');
    }
  }

  private readonly name = el('span', { class: 'jr-lane-name' });
  private readonly bar = new Bar();
  private readonly percent = el('span', {
    class: 'jr-lane-percent',
    'aria-hidden': 'true'
  });
  private readonly step = el('span', { class: 'jr-lane-step' });
}
