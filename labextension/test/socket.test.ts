import assert from 'node:assert/strict';
import test, { TestContext } from 'node:test';
import { initial } from '../src/reduce';
import { SessionSocket } from '../src/socket';
import { SESSION } from './logs';

/** How long a page that nobody sees stays joined, and how long a server is waited for. */
const [TEN_MINUTES, HALF_AN_HOUR] = [10 * 60_000, 30 * 60_000];

/** Another session. */
const OTHER = 'f'.repeat(32);

/** Be the browser and the line: a page, and a server that can be away. */
class Place {
  sockets: Socket[] = [];
  away = false;
  /** What the server, or a proxy in its place, answers; 0 is no answer. */
  status = 0;
  /** The seq of a session that another server holds; 0 where this one does. */
  elsewhere = 0;
  /** The seq of a session that this server holds. */
  seq = 0;
  readonly document = Object.assign(new EventTarget(), { hidden: false, cookie: '' });
  readonly window = Object.assign(new EventTarget(), {
    setTimeout: (...given: Parameters<typeof setTimeout>) => setTimeout(...given),
    clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer)
  });

  constructor(hidden = false) {
    this.document.hidden = hidden;
    const place = this;
    const settings = {
      baseUrl: 'http://127.0.0.1/',
      wsUrl: 'ws://127.0.0.1/',
      init: {},
      Request,
      Headers,
      fetch: async () => place.answer(),
      WebSocket: class extends Socket {
        constructor() {
          super(place);
        }
      }
    };
    Object.assign(globalThis, { window: this.window, document: this.document, WebSocket: { OPEN: 1 } });
    this.socket = new SessionSocket(settings as never);
  }

  get last(): Socket {
    return this.sockets[this.sockets.length - 1];
  }

  hide(hidden: boolean): void {
    this.document.hidden = hidden;
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  /** Tell the page that the network is back. */
  online(): void {
    this.window.dispatchEvent(new Event('online'));
  }

  /** Go away, as a server does that is stopped. */
  leave(): void {
    this.away = true;
    this.last.close();
  }

  private answer(): Response {
    const { status, elsewhere } = this;
    if (status === 0) {
      throw new TypeError('no answer');
    }
    if (status === 302) {
      return { type: 'opaqueredirect', ok: false } as Response;
    }
    return new Response(JSON.stringify({ ...initial(SESSION), last_seq: elsewhere }), { status });
  }

  readonly socket: SessionSocket;
}

interface Message {
  readonly type: string;
  readonly session_id: string;
}

class Socket {
  readyState = 0;
  sent: Message[] = [];
  onopen = (): void => undefined;
  onclose = (): void => undefined;
  onmessage = (_: { data: string }): void => undefined;

  constructor(private readonly place: Place) {
    place.sockets.push(this);
    queueMicrotask(() => (place.away ? this.close() : this.open()));
  }

  private open(): void {
    this.readyState = 1;
    this.onopen();
  }

  send(text: string): void {
    const message: Message = JSON.parse(text);
    const { session_id } = message;
    this.sent.push(message);
    if (message.type === 'join_session') {
      const snapshot = { ...initial(session_id), last_seq: this.place.seq };
      const joined = { type: 'session_joined', session_id, snapshot, log: 'a', reset: false };
      const refused = { type: 'error', session_id, code: 'read_only' };
      this.onmessage({ data: JSON.stringify(this.place.elsewhere ? refused : joined) });
    }
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

/** Stop the clock. */
function still(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
}

/** Let everything happen that waits for no time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise(setImmediate);
  }
}

/** Let time go by in small steps, as it does for whoever is awake. */
async function pass(t: TestContext, milliseconds: number): Promise<void> {
  for (let gone = 0; gone < milliseconds; gone += 15_000) {
    t.mock.timers.tick(15_000);
    await settled();
  }
}

test('all sessions of a page share a socket, and it goes with the last', async t => {
  still(t);
  const place = new Place();
  assert.equal(place.sockets.length, 0);
  const feeds = [SESSION, OTHER, SESSION].map(id => place.socket.follow(initial(id), null));
  await settled();
  assert.deepEqual(place.last.sent.map(({ session_id: id }) => id), [SESSION, OTHER]);
  feeds.slice(1).forEach(feed => place.socket.release(feed));
  assert.equal(place.last.readyState, 1);
  place.socket.release(feeds[0]);
  assert.equal(place.last.readyState, 3);
  await pass(t, 2 * HALF_AN_HOUR);
  assert.equal(place.sockets.length, 1);
});

test('a server that is waited for in vain is given up, until somebody or the network is back', async t => {
  still(t);
  const place = new Place();
  place.seq = 3;
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  assert.equal(feed.link, 'live');
  for (const back of [() => place.socket.retry(), () => place.online(), () => place.hide(false)]) {
    place.leave();
    await pass(t, HALF_AN_HOUR / 2);
    assert.equal(feed.link, 'lost');
    await pass(t, HALF_AN_HOUR);
    assert.equal(feed.link, 'stopped');
    const tries = place.sockets.length;
    await pass(t, HALF_AN_HOUR);
    assert.equal(place.sockets.length, tries);
    place.away = false;
    back();
    assert.equal(feed.link, 'lost');
    await settled();
    assert.deepEqual(place.last.sent, [
      { type: 'join_session', session_id: SESSION, after: 3, log: 'a' }
    ]);
    assert.equal(feed.link, 'live');
  }
});

test('a laptop that slept for a night has not waited for a night', async t => {
  still(t);
  const place = new Place();
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  place.leave();
  await settled();
  // It wakes, and its network is not there yet.
  t.mock.timers.setTime(Date.now() + 10 * 3_600_000);
  await pass(t, 15_000);
  assert.ok(place.sockets.length > 1);
  assert.equal(feed.link, 'lost');
  place.away = false;
  await pass(t, 60_000);
  assert.equal(feed.link, 'live');
});

test('a session of another server is looked at, and joined when this one has taken it over', async t => {
  still(t);
  const place = new Place();
  place.elsewhere = 3;
  place.status = 200;
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  assert.equal(feed.link, 'elsewhere');
  await pass(t, 15_000);
  assert.equal(feed.snapshot.last_seq, 3);
  const before = feed.asOf;
  place.elsewhere = 5;
  await pass(t, 15_000);
  assert.equal(feed.snapshot.last_seq, 5);
  assert.ok(feed.asOf! > before!);
  place.elsewhere = 0;
  await pass(t, 15_000);
  assert.equal(feed.link, 'live');
  assert.equal(feed.asOf, null);
  const asked = place.last.sent.length;
  place.socket.release(feed);
  await pass(t, 60_000);
  assert.deepEqual(place.last.sent.slice(asked).map(({ type }) => type), ['leave_session']);
});

for (const status of [302, 401, 403, 404, 424]) {
  test(`a server that answers ${status} is asked once, whoever comes back, until somebody wants it`, async t => {
    still(t);
    const place = new Place();
    const feed = place.socket.follow(initial(SESSION), null);
    await settled();
    place.status = status;
    place.leave();
    await pass(t, HALF_AN_HOUR);
    assert.equal(feed.link, 'stopped');
    place.hide(false);
    place.online();
    assert.equal(place.socket.follow(initial(OTHER), null).link, 'stopped');
    await pass(t, HALF_AN_HOUR);
    assert.equal(place.sockets.length, 1);
    place.away = false;
    place.socket.retry();
    await settled();
    assert.equal(feed.link, 'live');
  });
}

for (const status of [500, 502, 503]) {
  test(`a server that answers ${status} is asked again`, async t => {
    still(t);
    const place = new Place();
    place.status = status;
    place.away = true;
    const feed = place.socket.follow(initial(SESSION), null);
    await pass(t, 60_000);
    assert.equal(feed.link, 'joining');
    assert.ok(place.sockets.length > 1);
    place.away = false;
    await pass(t, 30_000);
    assert.equal(feed.link, 'live');
  });
}

test('attempts come farther and farther apart, and not all at the same time', async t => {
  still(t);
  const waits = [];
  for (const chance of [0, 0.999]) {
    t.mock.method(Math, 'random', () => chance);
    const place = new Place();
    place.away = true;
    place.socket.follow(initial(SESSION), null);
    await settled();
    const times = [];
    for (let gone = 0; gone < 120_000; gone += 250) {
      const before = place.sockets.length;
      t.mock.timers.tick(250);
      await settled();
      if (place.sockets.length > before) {
        times.push(gone);
      }
    }
    waits.push(times.map((time, index) => time - (times[index - 1] ?? 0)));
  }
  const [short, long] = waits;
  assert.ok(long[0] > short[0]);
  assert.ok(Math.max(...short) >= 14_000 && Math.max(...long) <= 30_500, `${short} ${long}`);
  assert.ok(short.every((wait, index) => wait >= (short[index - 1] ?? 0) - 250), `${short}`);
});

test('a hidden page lets go, also of what it first showed when it was hidden', async t => {
  still(t);
  const place = new Place();
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  place.hide(true);
  await pass(t, TEN_MINUTES);
  assert.equal(place.last.readyState, 3);
  assert.equal(feed.link, 'lost');
  const other = place.socket.follow(initial(OTHER), null);
  await settled();
  assert.equal(place.sockets.length, 2);
  await pass(t, TEN_MINUTES);
  assert.equal(place.last.readyState, 3);
  await pass(t, HALF_AN_HOUR);
  assert.equal(place.sockets.length, 2);
  place.hide(false);
  await settled();
  assert.equal(feed.link, 'live');
  place.socket.release(feed);
  place.socket.release(other);
  assert.equal(place.last.readyState, 3);
});

test('a page that is opened in the background and stays there lets go too', async t => {
  still(t);
  const place = new Place(true);
  place.socket.follow(initial(SESSION), null);
  await settled();
  assert.equal(place.last.readyState, 1);
  await pass(t, TEN_MINUTES);
  assert.equal(place.last.readyState, 3);
  await pass(t, 10 * HALF_AN_HOUR);
  assert.equal(place.sockets.length, 1);
});

test('a page that is hidden while it asks why the line was cut tries no more', async t => {
  still(t);
  const place = new Place();
  place.status = 200;
  place.socket.follow(initial(SESSION), null);
  await settled();
  place.hide(true);
  await pass(t, TEN_MINUTES - 60_000);
  place.last.close();
  // The answer comes after the ten minutes.
  t.mock.timers.tick(2 * 60_000);
  await pass(t, 10 * HALF_AN_HOUR);
  assert.equal(place.sockets.length, 1);
});
