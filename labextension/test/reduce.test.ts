import assert from 'node:assert/strict';
import test from 'node:test';
import { initial, reduce, reduceAll } from '../src/reduce';
import { LOGS, SESSION } from './logs';

for (const { name, events, snapshots } of LOGS) {
  const last = snapshots[snapshots.length - 1];

  test(`${name}: each recorded snapshot is Python's`, () => {
    let state = initial(SESSION);
    const kept = new Map(snapshots.map(one => [one.last_seq, one]));
    for (const event of events) {
      state = reduce(state, event);
      assert.deepEqual(state, kept.get(state.last_seq) ?? state);
    }
  });

  test(`${name}: any cut into snapshot and overlapping replay gives the same state`, () => {
    for (let cut = 0; cut <= events.length; cut += 1) {
      for (let overlap = 0; overlap <= cut; overlap += 1) {
        const snapshot = reduceAll(initial(SESSION), events.slice(0, cut));
        assert.deepEqual(reduceAll(snapshot, events.slice(cut - overlap)), last);
      }
    }
  });

  test(`${name}: a state is never changed in place`, () => {
    let state = initial(SESSION);
    for (const event of events) {
      const before = structuredClone(state);
      const next = reduce(state, event);
      assert.deepEqual(state, before);
      state = next;
    }
  });
}

test('an event of an unknown kind moves the place in the log and no more', () => {
  const state = LOGS[0].snapshots[0];
  const event = { ...LOGS[0].events[0], seq: 99, kind: 'invented_later', detail: {} };
  const after = reduce(state, event as never);
  assert.equal(after.last_seq, 99);
  assert.equal(after.state, state.state);
});
