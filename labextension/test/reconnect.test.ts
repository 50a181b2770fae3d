import assert from 'node:assert/strict';
import test, { TestContext } from 'node:test';
import { ServerConnection } from '@jupyterlab/services';
import { initial } from '../src/reduce';
import { SessionSocket } from '../src/socket';

const MINUTE = 60_000;

/** Be one connection of a page. */
class Wire {
  static readonly OPEN = 1;
  readyState = 0;
  readonly sent: Record<string, unknown>[] = [];
  onopen = (): void => undefined;
  onmessage = (_: { data: string }): void => undefined;
  onclose = (): void => undefined;

  open(): void {
    this.readyState = Wire.OPEN;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  /** Answer every join so far. */
  join(seq: number): void {
    for (const { session_id: id } of this.sent) {
      const snapshot = { ...initial(String(id)), last_seq: seq };
      const message = { type: 'session_joined', session_id: id, snapshot, log: 'a', reset: false };
      this.onmessage({ data: JSON.stringify(message) });
    }
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

/** A page and the server that it asks. */
class Place {
  readonly wires: Wire[] = [];
  status = 200;
  readonly page = Object.assign(new EventTarget(), { hidden: false, cookie: '' });
  readonly window = new EventTarget();

  constructor(hidden = false) {
    this.page.hidden = hidden;
    const { window, page, wires } = this;
    Object.assign(window, {
      setTimeout: (...given: Parameters<typeof setTimeout>) => setTimeout(...given),
      clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer)
    });
    Object.assign(globalThis, { window, document: page, WebSocket: Wire });
    const settings = {
      wsUrl: 'ws://here/',
      baseUrl: 'http://here/',
      WebSocket: class extends Wire {
        constructor() {
          super();
          wires.push(this);
        }
      },
      Request,
      Headers,
      init: {},
      fetch: async () => this.answer()
    };
    this.socket = new SessionSocket(settings as unknown as ServerConnection.ISettings);
  }

  show(hidden: boolean): void {
    this.page.hidden = hidden;
    this.page.dispatchEvent(new Event('visibilitychange'));
  }

  /** Cut the line, as a server does that goes away. */
  async cut(): Promise<void> {
    this.wires.at(-1)?.close();
    await settled();
  }

  private answer(): Response {
    if (this.status === 302) {
      return { type: 'opaqueredirect', ok: false } as Response;
    }
    return new Response('{}', { status: this.status });
  }

  readonly socket: SessionSocket;
}

/** Let what has been answered be worked on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Stop the clock. */
function still(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
}

const snapshot = (digit: string): ReturnType<typeof initial> => initial(digit.repeat(32));

test('all sessions of a page share a socket, and it goes with the last', t => {
  still(t);
  const { socket, wires } = new Place();
  assert.equal(wires.length, 0);
  const feeds = ['a', 'b', 'a'].map(digit => socket.follow(snapshot(digit), null));
  assert.equal(wires.length, 1);
  wires[0].open();
  assert.deepEqual(wires[0].sent.map(({ session_id: id }) => String(id)[0]), ['a', 'b']);
  feeds.slice(1).forEach(feed => socket.release(feed));
  assert.equal(wires[0].readyState, Wire.OPEN);
  socket.release(feeds[0]);
  assert.equal(wires[0].readyState, 3);
  t.mock.timers.tick(60 * MINUTE);
  assert.equal(wires.length, 1);
});

for (const status of [302, 424]) {
  test(`a page whose server answers ${status} tries no more, whoever comes back, until somebody wants it`, async t => {
    still(t);
    const place = new Place();
    place.status = status;
    const feed = place.socket.follow(snapshot('a'), null);
    await place.cut();
    assert.equal(feed.link, 'stopped');
    t.mock.timers.tick(120 * MINUTE);
    place.show(false);
    place.window.dispatchEvent(new Event('online'));
    assert.equal(place.wires.length, 1);
    assert.equal(place.socket.follow(snapshot('b'), null).link, 'stopped');
    place.socket.retry();
    assert.equal(place.wires.length, 2);
    assert.equal(feed.link, 'lost');
  });
}

test('a server in trouble is asked again', async t => {
  still(t);
  const place = new Place();
  for (const status of [500, 502, 503]) {
    place.status = status;
    const before = place.wires.length;
    const feed = place.socket.follow(snapshot('a'), null);
    await place.cut();
    t.mock.timers.tick(MINUTE);
    assert.equal(feed.link, 'joining');
    assert.equal(place.wires.length, Math.max(before, 1) + 1);
  }
});

test('a server that is silent for half an hour is given up, until the network or the person is back', async t => {
  still(t);
  const place = new Place();
  const feed = place.socket.follow(snapshot('a'), null);
  place.wires[0].open();
  place.wires[0].join(3);
  const silence = async (): Promise<void> => {
    for (let turn = 0; turn < 200 && feed.link !== 'stopped'; turn += 1) {
      await place.cut();
      t.mock.timers.tick(MINUTE / 2);
    }
    assert.equal(feed.link, 'stopped');
    const tried = place.wires.length;
    t.mock.timers.tick(120 * MINUTE);
    assert.equal(place.wires.length, tried);
  };
  await silence();
  place.window.dispatchEvent(new Event('online'));
  assert.equal(feed.link, 'lost');
  await silence();
  place.show(false);
  place.wires.at(-1)?.open();
  assert.deepEqual(place.wires.at(-1)?.sent, [
    { type: 'join_session', session_id: feed.sessionId, after: 3, log: 'a' }
  ]);
  place.wires.at(-1)?.join(3);
  assert.equal(feed.link, 'live');
});

test('a page that is opened in the background and stays there lets go too', t => {
  still(t);
  const place = new Place(true);
  place.socket.follow(snapshot('a'), null);
  place.wires[0].open();
  t.mock.timers.tick(11 * MINUTE);
  assert.equal(place.wires[0].readyState, 3);
  t.mock.timers.tick(600 * MINUTE);
  assert.equal(place.wires.length, 1);
});

test('a page that is hidden while it asks why the line was cut tries no more', async t => {
  still(t);
  const place = new Place();
  place.socket.follow(snapshot('a'), null);
  place.show(true);
  t.mock.timers.tick(9 * MINUTE);
  place.wires[0].close();
  t.mock.timers.tick(2 * MINUTE);
  await settled();
  t.mock.timers.tick(600 * MINUTE);
  assert.equal(place.wires.length, 1);
});
