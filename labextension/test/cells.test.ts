import assert from 'node:assert/strict';
import test from 'node:test';
import { insertBelow } from '../src/cells';
import { cellOf } from '../src/place';
import { MIME_TYPE } from '../src/saved';
import { PLAIN } from '../src/words';
import { SESSION } from './logs';

/** A notebook of cells with such outputs, as far as one is looked at, and what was put into it. */
function notebook(...outputs: unknown[]) {
  const put: unknown[] = [];
  const widget = {
    parent: null,
    activeCellIndex: 0,
    model: { sharedModel: { insertCells: (...given: unknown[]) => put.push(given) } },
    widgets: outputs.map(data => {
      const cell = {
        parent: null as unknown,
        contains: (one: { parent: unknown }) => one.parent === cell,
        model: { outputs: { length: 1, get: () => ({ data: { [MIME_TYPE]: data } }) } }
      };
      return cell;
    })
  };
  widget.widgets.forEach(cell => (cell.parent = widget));
  return { widget, put };
}

test('cells are put below the cell of the card, without the ids that they had', () => {
  const { widget, put } = notebook({}, {}, {});
  const card = { parent: widget.widgets[1] };
  insertBelow(card as never, [{ id: 'a', source: 'x' }], PLAIN);
  assert.deepEqual(put, [[2, [{ source: 'x' }]]]);
});

test('a card that stands in no cell of a notebook says so', () => {
  const { widget, put } = notebook({});
  for (const card of [{ parent: null }, { parent: widget }]) {
    assert.throws(() => insertBelow(card as never, [{ source: 'x' }], PLAIN), /Nothing was inserted/);
  }
  assert.deepEqual(put, []);
});

test('the cell of a session is the one that shows it', () => {
  const other = SESSION.replace('0', 'f');
  const { widget } = notebook(
    undefined,
    'text',
    { schema: 1, session_id: other },
    { schema: 2, session_id: SESSION },
    { schema: 1, session_id: SESSION }
  );
  assert.equal(cellOf(widget as never, SESSION), 4);
  assert.equal(cellOf(widget as never, other), 2);
  assert.equal(cellOf(widget as never, 'a'.repeat(32)), -1);
});
