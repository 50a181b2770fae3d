import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Feed } from '../src/feed';
import { initial, reduceAll } from '../src/reduce';
import { KINDS, SessionEvent, STATES } from '../src/types';
import { SESSION } from './logs';

const analyst = fc.constantFrom<unknown>('a', 'b', 7, null);
const amount = fc.oneof(fc.nat(9), fc.double(), fc.constantFrom<unknown>(null, true, '3', -1));

const proposal = fc.oneof(
  fc.record({
    analysts: fc.array(
      fc.oneof(fc.record({ id: analyst, name: fc.string() }), fc.constantFrom<unknown>('none', 3))
    )
  }),
  fc.anything()
);

/** Details as the server writes them, and as careless code might. */
const detail = fc.record(
  {
    state: fc.constantFrom(...STATES),
    attempt: fc.nat(5),
    version: fc.nat(5),
    question: fc.option(fc.string()),
    proposal,
    analyst,
    analyst_done: amount,
    analyst_total: amount,
    failed: fc.anything(),
    usage: fc.oneof(fc.record({ calls: fc.nat() }), fc.anything()),
    topic: fc.string(),
    report_available: fc.anything(),
    limitations: fc.option(fc.array(fc.string())),
    code: fc.string(),
    cause: fc.option(fc.string())
  },
  { requiredKeys: [] }
);

const event = fc.record({
  kind: fc.constantFrom(...KINDS),
  step: fc.option(fc.constantFrom('READ_LIBRARY', 'WRITE_SECTION')),
  step_number: fc.option(fc.nat()),
  message: fc.option(fc.string()),
  done: fc.option(fc.nat()),
  total: fc.option(fc.nat()),
  detail
});

const log = fc.array(event, { maxLength: 30 }).map(events =>
  events.map(
    (one, index) =>
      ({ ...one, session_id: SESSION, seq: index + 1, time: `2026-01-01T00:00:${index}Z` }) as SessionEvent
  )
);

test('any log, cut anywhere, adds up to the same state', () => {
  fc.assert(
    fc.property(log, fc.nat(), fc.nat(), (events, at, overlap) => {
      const cut = at % (events.length + 1);
      const snapshot = reduceAll(initial(SESSION), events.slice(0, cut));
      const from = Math.max(0, cut - (overlap % (cut + 1)));
      const whole = reduceAll(initial(SESSION), events);
      assert.deepEqual(reduceAll(snapshot, events.slice(from)), whole);
    }),
    { numRuns: 500 }
  );
});

test('however its delivery is cut and repeated, a feed shows the whole log', () => {
  fc.assert(
    fc.property(log, fc.array(fc.nat(), { maxLength: 6 }), (events, cuts) => {
      const feed = new Feed(SESSION, initial(SESSION), null);
      feed.joined(initial(SESSION), 'log', false);
      for (const cut of cuts) {
        // A line that broke: from the last seq that was seen, or from before it.
        const from = Math.min(feed.snapshot.last_seq, cut % (events.length + 1));
        feed.add(events.slice(from, cut % (events.length + 1)));
      }
      feed.add(events.slice(feed.snapshot.last_seq));
      assert.deepEqual(feed.snapshot, reduceAll(initial(SESSION), events));
      assert.deepEqual(feed.events, events);
    })
  );
});

test('a log that begins anew is taken as it is', () => {
  fc.assert(
    fc.property(log, log, (before, after) => {
      const feed = new Feed(SESSION, initial(SESSION), null);
      feed.joined(initial(SESSION), 'one', false);
      feed.add(before);
      feed.joined(initial(SESSION), 'two', true);
      feed.add(after);
      assert.deepEqual(feed.snapshot, reduceAll(initial(SESSION), after));
    })
  );
});
