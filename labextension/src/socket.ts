/** The socket: one per page, for all cards and the panel; none while nothing is shown. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { Feed } from './feed';
import { request, RequestError } from './request';
import { isObject, SessionEvent, Snapshot } from './types';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A hidden page lets go after this long, so that it keeps no server alive. */
const HIDDEN_MS = 10 * 60_000;
/** An answer later than this means that the socket is dead, whatever it says. */
const ANSWER_MS = 8_000;
/** A server that was waited for in vain for so long is gone, until somebody says otherwise. */
const GIVE_UP_MS = 30 * 60_000;
/** How often one looks at a session that another server holds: nobody tells this one of its news. */
const ELSEWHERE_MS = 5_000;
/** Statuses by which a server, or the proxy before it, says: not here any more. */
const FINAL = new Set([302, 401, 403, 404, 424]);

type ServerMessage =
  | {
      readonly type: 'session_joined';
      readonly session_id: string;
      readonly snapshot: Snapshot;
      readonly log: string;
      readonly reset: boolean;
    }
  | {
      readonly type: 'events';
      readonly session_id: string;
      readonly events: readonly SessionEvent[];
    }
  | {
      readonly type: 'session_left';
      readonly session_id: string;
      readonly reason: string;
    }
  | {
      readonly type: 'error';
      readonly session_id: string | null;
      readonly code: string;
    };

interface Followed {
  readonly feed: Feed;
  holders: number;
  /** When to look at it next, where another server holds it. */
  timer: number;
}

/** Own the page's socket; reconnect with back-off from the last seq; know when to stop. */
export class SessionSocket {
  constructor(private readonly settings: ServerConnection.ISettings) {
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('online', this.onOnline);
    // A page may be opened in the background, and stay there.
    this.onVisibility();
  }

  /** Follow a session, from `snapshot` on screen to live; every follow needs a release. */
  follow(snapshot: Snapshot, asOf: string | null): Feed {
    const id = snapshot.session_id;
    const known = this.followed.get(id);
    if (known) {
      known.holders += 1;
      known.feed.offer(snapshot, asOf);
      return known.feed;
    }
    const feed = new Feed(id, snapshot, asOf);
    this.followed.set(id, { feed, holders: 1, timer: 0 });
    if (this.stopped) {
      feed.become('stopped');
    } else if (this.socket?.readyState === WebSocket.OPEN) {
      this.join(feed);
    } else {
      this.connect();
    }
    return feed;
  }

  /** Give a feed back; the last one closes the socket. */
  release(feed: Feed): void {
    const known = this.followed.get(feed.sessionId);
    if (!known || known.feed !== feed) {
      return;
    }
    known.holders -= 1;
    if (known.holders === 0) {
      this.followed.delete(feed.sessionId);
      feed.dispose();
      this.send({ type: 'leave_session', session_id: feed.sessionId });
    }
    if (this.followed.size === 0) {
      this.close();
    }
  }

  /** Try again after giving up. */
  retry(): void {
    this.stopped = null;
    this.reset();
    this.setLinks('lost');
    this.connect();
  }

  dispose(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('online', this.onOnline);
    window.clearTimeout(this.hiddenTimer);
    this.close();
    this.followed.forEach(({ feed }) => feed.dispose());
    this.followed.clear();
  }

  private connect(): void {
    if (this.socket || this.stopped || this.followed.size === 0) {
      return;
    }
    window.clearTimeout(this.retryTimer);
    if (this.letGo) {
      // Something new to show in a page that nobody looks at.
      this.letGoLater();
    }
    const socket = new this.settings.WebSocket(this.url());
    this.socket = socket;
    socket.onopen = () => {
      this.reset();
      this.followed.forEach(({ feed }) => this.join(feed));
    };
    socket.onmessage = ({ data }) => {
      window.clearTimeout(this.answerTimer);
      this.take(data);
    };
    socket.onclose = () => {
      if (socket === this.socket) {
        this.socket = null;
        void this.onLost();
      }
    };
  }

  private url(): string {
    const { wsUrl, token, appendToken } = this.settings;
    const url = URLExt.join(wsUrl, 'research/api/ws');
    return appendToken && token
      ? `${url}?token=${encodeURIComponent(token)}`
      : url;
  }

  private join(feed: Feed): void {
    const from =
      feed.log === null
        ? {}
        : { after: feed.snapshot.last_seq, log: feed.log };
    this.send({ type: 'join_session', session_id: feed.sessionId, ...from });
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  private take(data: unknown): void {
    const message = parse(data);
    const followed = message?.session_id
      ? this.followed.get(message.session_id)
      : undefined;
    if (!message || !followed) {
      return;
    }
    const { feed } = followed;
    switch (message.type) {
      case 'session_joined':
        return feed.joined(message.snapshot, message.log, message.reset);
      case 'events':
        return feed.add(message.events);
      case 'session_left':
        return message.reason === 'left' ? undefined : feed.become('gone');
      case 'error':
        return this.refused(followed, message.code);
    }
  }

  private refused(followed: Followed, code: string): void {
    const { feed } = followed;
    if (code === 'not_found') {
      feed.become('gone');
    } else if (code === 'read_only') {
      feed.become('elsewhere');
      // One at a time: after a reconnection there may be one already.
      window.clearTimeout(followed.timer);
      followed.timer = window.setTimeout(() => void this.look(feed), ELSEWHERE_MS);
    }
  }

  /** Show how a session of another server stands; join it once that has ended and this one has taken it over. */
  private async look(feed: Feed): Promise<void> {
    const { sessionId } = feed;
    const goesOn = () => feed.link === 'elsewhere' && this.followed.get(sessionId)?.feed === feed;
    if (!goesOn()) {
      return;
    }
    try {
      const answer = await request(this.settings, `sessions/${sessionId}`);
      feed.offer((await answer.json()) as Snapshot, new Date().toISOString());
    } catch {
      // The join says why, or the loss of the socket.
    }
    if (goesOn()) {
      this.join(feed);
    }
  }

  /** Wait and try again, unless the server says that there is nothing to wait for. */
  private async onLost(): Promise<void> {
    window.clearTimeout(this.answerTimer);
    if (this.followed.size === 0) {
      return;
    }
    this.setLinks('lost');
    if (this.letGo) {
      return;
    }
    const over = await this.isOver();
    // Meanwhile somebody may have come back, or all have gone.
    if (this.letGo || this.socket || this.followed.size === 0) {
      return;
    }
    if (over || this.waited > GIVE_UP_MS) {
      this.stopped = over ? 'over' : 'silent';
      this.setLinks('stopped');
      return;
    }
    // Half of it by chance: a restarted server is not met by all pages at once.
    const wait = this.wait * (0.5 + Math.random() / 2);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    // Not by the clock: a laptop that slept has not waited.
    this.waited += wait;
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.connect(), wait);
  }

  /** Ask by REST, since a browser does not tell why a socket was refused. */
  private async isOver(): Promise<boolean> {
    try {
      await request(this.settings, 'health', { redirect: 'manual' });
      return false;
    } catch (error) {
      return error instanceof RequestError && FINAL.has(error.status);
    }
  }

  private setLinks(link: 'lost' | 'stopped'): void {
    this.followed.forEach(({ feed }) => {
      if (feed.link !== 'gone') {
        feed.become(feed.link === 'joining' && link === 'lost' ? 'joining' : link);
      }
    });
  }

  private reset(): void {
    this.wait = FIRST_WAIT_MS;
    this.waited = 0;
  }

  private close(): void {
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.answerTimer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) {
      return this.letGoLater();
    }
    window.clearTimeout(this.hiddenTimer);
    this.letGo = false;
    this.onOnline();
  };

  private letGoLater(): void {
    window.clearTimeout(this.hiddenTimer);
    this.letGo = false;
    this.hiddenTimer = window.setTimeout(() => {
      this.letGo = true;
      this.close();
      this.setLinks('lost');
    }, HIDDEN_MS);
  }

  /** Somebody is back, or the network. */
  private readonly onOnline = (): void => {
    if (this.stopped === 'over') {
      return;
    }
    if (this.stopped) {
      return this.retry();
    }
    if (!this.socket) {
      return this.connect();
    }
    // After sleep a socket may be dead without knowing: ask something and wait.
    const first = this.followed.values().next().value as Followed | undefined;
    if (first && this.socket.readyState === WebSocket.OPEN) {
      this.join(first.feed);
      window.clearTimeout(this.answerTimer);
      this.answerTimer = window.setTimeout(() => {
        this.close();
        void this.onLost();
      }, ANSWER_MS);
    }
  };

  private readonly followed = new Map<string, Followed>();
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT_MS;
  private waited = 0;
  /** Why nothing is tried any more: the server has said that it is over, or said nothing for too long. */
  private stopped: 'over' | 'silent' | null = null;
  private letGo = false;
  private retryTimer = 0;
  private answerTimer = 0;
  private hiddenTimer = 0;
}

function parse(data: unknown): ServerMessage | null {
  try {
    const message: unknown = JSON.parse(String(data));
    return isObject(message) && typeof message.type === 'string'
      ? (message as unknown as ServerMessage)
      : null;
  } catch {
    return null;
  }
}
