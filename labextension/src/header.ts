/** The head of the card: the state, how long, how fresh, and the topic. */
import { el, Part, setAttributes, setText } from './dom';
import { CardModel } from './host';
import { isWorking, Snapshot } from './types';
import { clock, duration, stateWord, Words } from './words';

/** Draw state, elapsed time and topic; ticks while the session works and is seen. */
export class Header implements Part<CardModel> {
  readonly node: HTMLElement;

  constructor(private readonly trans: Words) {
    this.node = el(
      'header',
      { class: 'jr-header' },
      el(
        'div',
        { class: 'jr-status' },
        el('span', { class: 'jr-dot', 'aria-hidden': 'true' }),
        this.state,
        this.elapsed,
        this.owner,
        this.fresh
      ),
      el('h3', { class: 'jr-topic' }, this.topic)
    );
    this.elapsed.addEventListener('pointerenter', () => this.explain());
  }

  update(model: CardModel): void {
    const { snapshot, link, asOf, start } = model;
    if (snapshot.last_seq !== this.model?.snapshot.last_seq) {
      this.received = Date.now();
    }
    this.model = model;
    setText(
      this.state,
      start
        ? this.trans.__('Not started')
        : stateWord(this.trans, snapshot.state)
    );
    setText(this.topic, snapshot.topic);
    setText(this.owner, this.whose(snapshot));
    const moves =
      link === 'live' &&
      (isWorking(snapshot.state) || snapshot.state === 'queued');
    this.tick(moves);
    const words =
      link === 'live' || asOf === null ? '' : this.freshness(link, asOf);
    setText(this.fresh, words);
    this.drawElapsed();
  }

  dispose(): void {
    this.tick(false);
  }

  /** On a server that knows its people: a guest who ran the cell sees that it is its host's. */
  private whose({ owner }: Snapshot): string {
    return owner === null || owner === 'local'
      ? ''
      : this.trans.__('belongs to %1', owner);
  }

  private freshness(link: CardModel['link'], asOf: string): string {
    return link === 'lost'
      ? this.trans.__('as of %1, connection lost, trying again', clock(asOf))
      : this.trans.__('as of %1', clock(asOf));
  }

  private tick(moves: boolean): void {
    if (moves && !this.timer) {
      this.timer = window.setInterval(() => this.drawElapsed(), 1000);
    } else if (!moves && this.timer) {
      window.clearInterval(this.timer);
      this.timer = 0;
    }
  }

  private drawElapsed(): void {
    const snapshot = this.model?.snapshot;
    if (!snapshot?.created || !snapshot.updated) {
      setText(this.elapsed, '');
      return;
    }
    setText(this.elapsed, duration(this.trans, this.lasted(snapshot)));
  }

  /** Written when somebody points at it, and not with each update. */
  private explain(): void {
    const { created, updated } = this.model?.snapshot ?? {};
    const times = [clock(created ?? null), clock(updated ?? null)];
    setAttributes(this.elapsed, {
      title: this.trans.__('Started %1, last news %2', ...times)
    });
  }

  /** By the server's clock, and by ours only since its last word. */
  private lasted({ created, updated }: Snapshot): number {
    const logged = Date.parse(updated ?? '') - Date.parse(created ?? '');
    return this.timer ? logged + Date.now() - this.received : logged;
  }

  private model: CardModel | null = null;
  private received = 0;
  private timer = 0;
  private readonly state = el('span', { class: 'jr-state' });
  private readonly elapsed = el('span', { class: 'jr-elapsed' });
  private readonly owner = el('span', { class: 'jr-owner' });
  private readonly fresh = el('span', { class: 'jr-fresh' });
  private readonly topic = el('span');
}
