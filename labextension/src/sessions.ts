/** The sessions of this server that the person may see: listed when looked at, live while shown. */
import { ISignal, Signal } from '@lumino/signaling';
import { Client } from './client';
import { Feed } from './feed';
import { SessionSocket } from './socket';
import { isFinished, Snapshot } from './types';

/** Sessions that others start are seen at the latest after this long. */
const LOOK_MS = 15_000;

/** A page that nobody has touched for so long is forgotten, and must not keep a server alive by looking. */
const FORGOTTEN_MS = 10 * 60_000;

/** Keep the list true while somebody looks at it. */
export class Sessions {
  constructor(
    private readonly client: Client,
    private readonly socket: SessionSocket
  ) {
    // For as long as the page is there, as this is.
    for (const kind of ['pointerdown', 'keydown']) {
      window.addEventListener(kind, this.onTouch, true);
    }
    // The window's alone: JupyterLab moves the focus within it while nobody is there.
    window.addEventListener('focus', this.onTouch);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Give the sessions, unfinished first, newest first. */
  get list(): readonly Snapshot[] {
    const now = this.listed.map(
      one => this.feeds.get(one.session_id)?.snapshot ?? one
    );
    return [
      ...now.filter(one => !isFinished(one.state)),
      ...now.filter(one => isFinished(one.state))
    ];
  }

  /** Why the list could not be had; null when it could. */
  get problem(): string | null {
    return this._problem;
  }

  /** What the server has to tell whoever looks. */
  notices: readonly string[] = [];

  /** Whether the server has sessions that are older than those in the list. */
  get hasOlder(): boolean {
    return this._hasOlder;
  }

  /** Put older sessions into the list. */
  lookFurther(): Promise<void> {
    this.pages += 1;
    return this.refresh();
  }

  /** Begin or end to look, for one of those who show the list. */
  watch(who: object, watching: boolean): void {
    if (watching === this.watchers.has(who)) {
      return;
    }
    if (watching) {
      this.watchers.add(who);
      void this.refresh();
    } else {
      this.watchers.delete(who);
    }
    window.clearInterval(this.timer);
    if (this.watchers.size) {
      this.timer = window.setInterval(() => {
        if (!document.hidden && !this.forgotten) {
          void this.refresh();
        }
      }, LOOK_MS);
    }
    this.follow();
  }

  async refresh(): Promise<void> {
    this.asked += 1;
    const asked = this.asked;
    const [listed, notices] = await Promise.allSettled([
      this.client.list(this.pages),
      this.client.notices()
    ]);
    // What was asked later knows more.
    if (asked !== this.asked) {
      return;
    }
    if (listed.status === 'fulfilled') {
      [this.listed, this._hasOlder] = listed.value;
    }
    this._problem = listed.status === 'fulfilled' ? null : (listed.reason as Error).message;
    this.notices = notices.status === 'fulfilled' ? notices.value : this.notices;
    this.follow();
    this._changed.emit();
  }

  /** Follow what is unfinished while somebody looks, and nothing else. */
  private follow(): void {
    const wanted = new Map(
      this.listed
        .filter(one => this.watchers.size && !isFinished(one.state))
        .map(one => [one.session_id, one])
    );
    for (const [id, feed] of this.feeds) {
      if (!wanted.has(id)) {
        this.feeds.delete(id);
        feed.changed.disconnect(this.onFeed, this);
        this.socket.release(feed);
      }
    }
    for (const [id, snapshot] of wanted) {
      if (!this.feeds.has(id)) {
        const feed = this.socket.follow(snapshot, null);
        feed.changed.connect(this.onFeed, this);
        this.feeds.set(id, feed);
      }
    }
  }

  private get forgotten(): boolean {
    return Date.now() - this.touched > FORGOTTEN_MS;
  }

  private readonly onTouch = (): void => {
    const back = this.forgotten;
    this.touched = Date.now();
    if (back && this.watchers.size) {
      void this.refresh();
    }
  };

  private onFeed(): void {
    this._changed.emit();
  }

  private listed: readonly Snapshot[] = [];
  private _hasOlder = false;
  private pages = 1;
  private asked = 0;
  private readonly watchers = new Set<object>();
  private timer = 0;
  private touched = Date.now();
  private _problem: string | null = null;
  private readonly feeds = new Map<string, Feed>();
  private readonly _changed = new Signal<this, void>(this);
}
