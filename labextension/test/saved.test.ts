import assert from 'node:assert/strict';
import test from 'node:test';
import { initial } from '../src/reduce';
import { readSaved, readSnapshot } from '../src/saved';
import { LOGS, SESSION } from './logs';

test('a saved snapshot is read as it was written', () => {
  for (const { snapshots } of LOGS) {
    for (const snapshot of snapshots) {
      assert.deepEqual(readSnapshot(snapshot, SESSION), snapshot);
    }
  }
});

test('an id that is none reaches no address', () => {
  for (const id of ['../../api/contents', '', 7, null, SESSION.toUpperCase(), `${SESSION}/x`]) {
    assert.equal(readSaved({ schema: 1, session_id: id, snapshot: {} }), null);
  }
});

test('a newer form of the output is not guessed at', () => {
  assert.equal(readSaved({ schema: 2, session_id: SESSION, snapshot: {} }), null);
});

test('values of the wrong type are those of a new session', () => {
  const data = { state: 'made up', analysts: [1, null], topic: 5, options: [], last_seq: '3' };
  assert.deepEqual(readSnapshot(data, SESSION), initial(SESSION));
});

test('a start is offered with the request as it stands', () => {
  const start = { topic: 'tides', options: {} };
  const saved = readSaved({ schema: 1, start });
  assert.deepEqual(saved?.start, start);
  assert.equal(saved?.snapshot.topic, 'tides');
});
