/** Cells that are put into a notebook: a session with its output, the report of one. */
import { Widget } from '@lumino/widgets';
import { Notebook, notebookOf } from './place';
import { JsonObject } from './types';
import { Words } from './words';

/** A cell as the file has it. */
export type NewCell = JsonObject;

/** Put cells behind the cell that `widget` stands in; throw a sentence where it stands in none. */
export function insertBelow(widget: Widget, cells: readonly NewCell[], trans: Words): void {
  const notebook = notebookOf(widget);
  const index = notebook?.widgets.findIndex(cell => cell.contains(widget)) ?? -1;
  if (!notebook || index < 0) {
    throw new Error(trans.__('Nothing was inserted: the card stands in no cell of a notebook any more.'));
  }
  insertAt(notebook, index + 1, cells);
}

/** Put cells behind the active one, and go there. */
export function insertCells(notebook: Notebook, cells: readonly NewCell[]): void {
  const index = notebook.activeCellIndex + 1;
  insertAt(notebook, index, cells);
  notebook.activeCellIndex = index;
}

/** Make the cell that shows a session, with its output: it needs no kernel. */
export function sessionCell(id: string, data: JsonObject): NewCell {
  return {
    cell_type: 'code',
    source: `import jupyter_research\n\njupyter_research.session("${id}")`,
    metadata: { trusted: true },
    execution_count: null,
    outputs: [{ output_type: 'display_data', data, metadata: {} }]
  };
}

/** Without the ids that cells have elsewhere: what is put in twice is two cells. */
function insertAt(notebook: Notebook, index: number, cells: readonly NewCell[]): void {
  const fresh = cells.map(({ id: _, ...cell }) => cell);
  notebook.model.sharedModel.insertCells(index, fresh);
}
