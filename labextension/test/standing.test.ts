import assert from 'node:assert/strict';
import test from 'node:test';
import { StandingModel } from '../src/standing';

/** Be the settings of the page and the server's choice. */
function place(refusal = ''): {
  standing: StandingModel;
  type: (model: string) => void;
  shown: () => string;
  kept: string[];
  said: (string | null)[][];
} {
  let model = '';
  let changed = (): void => undefined;
  const kept: string[] = [];
  const said: (string | null)[][] = [];
  const settings = {
    changed: { connect: (slot: () => void) => (changed = slot) },
    get: () => ({ composite: model }),
    set: async (_: string, value: string) => {
      model = value;
      changed();
    }
  };
  const client = {
    keepModel: async (name: string) => {
      if (refusal) {
        throw new Error(refusal);
      }
      kept.push(name);
    }
  };
  const standing = new StandingModel(settings as never, client as never, (...words) => said.push(words));
  return { standing, type: name => void settings.set('model', name), shown: () => model, kept, said };
}

test.beforeEach(() => {
  (globalThis as Record<string, unknown>).window = globalThis;
});

test('what somebody types is kept once they stop', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { type, kept } = place();
  ['o', 'openai:', 'openai:gpt'].forEach(type);
  assert.deepEqual(kept, []);
  t.mock.timers.tick(5_000);
  assert.deepEqual(kept, ['openai:gpt']);
});

test('what the server keeps is shown and not sent back', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { standing, shown, kept } = place();
  await standing.show('extractive');
  t.mock.timers.tick(5_000);
  assert.equal(shown(), 'extractive');
  assert.deepEqual(kept, []);
});

test('what was asked for before a choice was kept does not take it back', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { standing, type, shown, kept } = place();
  type('openai:gpt');
  t.mock.timers.tick(5_000);
  // The server's answer of a moment ago.
  await standing.show('');
  assert.equal(shown(), 'openai:gpt');
  assert.deepEqual(kept, ['openai:gpt']);
  await new Promise(resolve => setImmediate(resolve));
  await standing.show('');
  assert.equal(shown(), '');
});

test('a refusal is told, and what the server keeps is shown the next time', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { standing, type, shown, said } = place('There is no such model.');
  type('nonsense');
  t.mock.timers.tick(5_000);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(said, [[null, 'There is no such model.']]);
  await standing.show('');
  assert.equal(shown(), '');
});
