/** A feed: what the page knows of one session, kept once for all cards that show it. */
import { ISignal, Signal } from '@lumino/signaling';
import { Link } from './host';
import { reduce } from './reduce';
import { SessionEvent, Snapshot } from './types';

/** The latest events kept for cards; older ones are fetched when asked for. */
const KEPT_EVENTS = 300;

/** Reduce what the socket brings, and tell the cards. */
export class Feed {
  constructor(
    readonly sessionId: string,
    snapshot: Snapshot,
    private saved: string | null
  ) {
    this._snapshot = snapshot;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get snapshot(): Snapshot {
    return this._snapshot;
  }

  get events(): readonly SessionEvent[] {
    return this._events;
  }

  get link(): Link {
    return this._link;
  }

  /** When the snapshot was true; null while it is true now. */
  get asOf(): string | null {
    return this._link === 'live' ? null : this.saved;
  }

  /** The log's life that `snapshot` belongs to; null before the first join. */
  get log(): string | null {
    return this._log;
  }

  /** Take the server's answer to a join. */
  joined(snapshot: Snapshot, log: string, reset: boolean): void {
    if (reset || this._log === null) {
      this._snapshot = snapshot;
      this._events = [];
    }
    this._log = log;
    if (this._link === 'live') {
      // Joined again, perhaps with another state.
      this._changed.emit();
    }
    this.become('live');
  }

  add(events: readonly SessionEvent[]): void {
    const fresh = events.filter(({ seq }) => seq > this._snapshot.last_seq);
    for (const event of fresh) {
      this._snapshot = reduce(this._snapshot, event);
    }
    if (fresh.length) {
      this._events = [...this._events, ...fresh].slice(-KEPT_EVENTS);
      this._changed.emit();
    }
  }

  /** Take a snapshot that came another way: the answer to a command, a saved output. */
  offer(snapshot: Snapshot, asOf: string | null): void {
    if (this._link !== 'live' && snapshot.last_seq >= this._snapshot.last_seq) {
      if (snapshot.last_seq > this._snapshot.last_seq) {
        // Those between are not here: what is kept would have a hole.
        this._events = [];
      }
      this._snapshot = snapshot;
      this.saved = asOf;
      this._changed.emit();
    }
  }

  become(link: Link): void {
    if (link === this._link) {
      return;
    }
    if (this._link === 'live') {
      this.saved = new Date().toISOString();
    }
    this._link = link;
    this._changed.emit();
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private _snapshot: Snapshot;
  private _events: readonly SessionEvent[] = [];
  private _link: Link = 'joining';
  private _log: string | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
