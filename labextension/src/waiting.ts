/** A wait that somebody else asks for: a provider's limit, told until it is over. */
import { el, Part, setText, show } from './dom';
import { CardModel } from './host';
import { isObject, isWorking, SessionEvent } from './types';

/** Say what the work waits for, whatever the analysts say meanwhile. */
export class Waiting implements Part<CardModel> {
  readonly node = el('p', { class: 'jr-waiting', hidden: true });

  /** What is shown; empty while there is nothing to wait for. */
  get sentence(): string {
    return this.node.hidden ? '' : this.node.textContent ?? '';
  }

  update({ snapshot, events }: CardModel): void {
    for (const event of events) {
      if (event.seq > this.seen) {
        this.take(event);
      }
    }
    this.seen = events.length ? events[events.length - 1].seq : this.seen;
    this.working = isWorking(snapshot.state);
    this.draw();
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  /** Of several waits the one that ends last. */
  private take({ detail, message }: SessionEvent): void {
    const seconds = isObject(detail.waiting) ? detail.waiting.seconds : null;
    // By our clock from when we hear of it: the server's may differ.
    const until = typeof seconds === 'number' ? Date.now() + seconds * 1000 : 0;
    if (until > this.until) {
      this.until = until;
      setText(this.node, message ?? '');
    }
  }

  private draw(): void {
    const left = this.working ? this.until - Date.now() : 0;
    show(this.node, left > 0);
    window.clearTimeout(this.timer);
    this.timer = left > 0 ? window.setTimeout(() => this.draw(), left) : 0;
  }

  private seen = 0;
  private until = 0;
  private working = false;
  private timer = 0;
}
