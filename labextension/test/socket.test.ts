import assert from 'node:assert/strict';
import test from 'node:test';
import { initial } from '../src/reduce';
import { SessionSocket } from '../src/socket';
import { SESSION } from './logs';

/** How long a page that nobody sees stays joined, and how long a server is waited for. */
const [TEN_MINUTES, HALF_AN_HOUR] = [10 * 60_000, 30 * 60_000];

/** Be the browser and the line: a page, and a server that can be away. */
class Place {
  sockets: Socket[] = [];
  away = false;
  /** What the server, or a proxy in its place, answers; 0 is no answer. */
  status = 0;
  /** The seq of a session that another server holds; 0 where this one does. */
  elsewhere = 0;
  readonly document = Object.assign(new EventTarget(), { hidden: false, cookie: '' });

  constructor() {
    const place = this;
    const settings = {
      baseUrl: 'http://127.0.0.1/',
      wsUrl: 'ws://127.0.0.1/',
      init: {},
      Request,
      Headers,
      fetch: async () => {
        if (place.status === 0) {
          throw new TypeError('no answer');
        }
        return new Response(JSON.stringify({ ...initial(SESSION), last_seq: place.elsewhere }), {
          status: place.status
        });
      },
      WebSocket: class extends Socket {
        constructor() {
          super(place);
        }
      }
    };
    Object.assign(globalThis, { window: globalThis, document: this.document, WebSocket: { OPEN: 1 } });
    Object.assign(globalThis, { addEventListener: () => undefined });
    this.socket = new SessionSocket(settings as never);
  }

  get last(): Socket {
    return this.sockets[this.sockets.length - 1];
  }

  hide(hidden: boolean): void {
    this.document.hidden = hidden;
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  readonly socket: SessionSocket;
}

class Socket {
  readyState = 0;
  sent: { type: string }[] = [];
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
    const message = JSON.parse(text);
    this.sent.push(message);
    if (message.type === 'join_session') {
      const snapshot = initial(SESSION);
      const joined = { type: 'session_joined', session_id: SESSION, snapshot, log: 'a', reset: false };
      const refused = { type: 'error', session_id: SESSION, code: 'read_only' };
      this.onmessage({ data: JSON.stringify(this.place.elsewhere ? refused : joined) });
    }
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

/** Let everything happen that waits for no time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise(setImmediate);
  }
}

/** Let time go by in small steps, as it does for whoever is awake. */
async function pass(t: test.TestContext, milliseconds: number): Promise<void> {
  for (let gone = 0; gone < milliseconds; gone += 15_000) {
    t.mock.timers.tick(15_000);
    await settled();
  }
}

test('a server that is waited for in vain is given up, and asked again by Try again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const place = new Place();
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  assert.equal(feed.link, 'live');
  place.away = true;
  place.last.close();
  await pass(t, HALF_AN_HOUR / 2);
  assert.equal(feed.link, 'lost');
  await pass(t, HALF_AN_HOUR);
  assert.equal(feed.link, 'stopped');
  const tries = place.sockets.length;
  await pass(t, HALF_AN_HOUR);
  assert.equal(place.sockets.length, tries);
  place.away = false;
  place.socket.retry();
  await settled();
  assert.equal(feed.link, 'live');
});

test('a laptop that slept for a night has not waited for a night', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const place = new Place();
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  place.away = true;
  place.last.close();
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
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
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

for (const status of [401, 403, 404, 424]) {
  test(`a server that answers ${status} is asked once`, async t => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const place = new Place();
    const feed = place.socket.follow(initial(SESSION), null);
    await settled();
    place.away = true;
    place.status = status;
    place.last.close();
    await pass(t, HALF_AN_HOUR);
    assert.equal(feed.link, 'stopped');
    assert.equal(place.sockets.length, 1);
  });
}

test('attempts come farther and farther apart, and not all at the same time', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
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
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const place = new Place();
  const feed = place.socket.follow(initial(SESSION), null);
  await settled();
  place.hide(true);
  await pass(t, TEN_MINUTES);
  assert.equal(place.last.readyState, 3);
  assert.equal(feed.link, 'lost');
  const other = place.socket.follow(initial('f'.repeat(32)), null);
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
