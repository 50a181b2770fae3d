import assert from 'node:assert/strict';
import test from 'node:test';
import { Feed } from '../src/feed';
import { initial, reduceAll } from '../src/reduce';
import { SessionEvent, Snapshot } from '../src/types';
import { LOGS, SESSION } from './logs';

const [{ events }] = LOGS;

/** Give the snapshot after so many events. */
function after(count: number): Snapshot {
  return reduceAll(initial(SESSION), events.slice(0, count));
}

/** Follow the log's first events on the socket. */
function followed(count: number): Feed {
  const feed = new Feed(SESSION, initial(SESSION), null);
  feed.joined(initial(SESSION), 'a', false);
  feed.add(events.slice(0, count));
  return feed;
}

function seqs(kept: readonly SessionEvent[]): number[] {
  return kept.map(({ seq }) => seq);
}

test('the events kept have no hole, though a snapshot was ahead of them', () => {
  const feed = followed(3);
  feed.become('elsewhere');
  feed.offer(after(5), null);
  feed.joined(after(5), 'a', false);
  feed.add(events.slice(5, 7));
  assert.deepEqual(seqs(feed.events), [6, 7]);
  assert.deepEqual(feed.snapshot, after(7));
});

test('a snapshot that says nothing new leaves the events', () => {
  const feed = followed(3);
  feed.become('lost');
  feed.offer(after(3), null);
  assert.deepEqual(seqs(feed.events), [1, 2, 3]);
});
