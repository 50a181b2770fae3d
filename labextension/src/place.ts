/**
 * The place of an output: the cell that holds it and the document around that.
 *
 * Told by what they can do rather than by their classes, so that JupyterLab, Notebook
 * and whoever embeds them need not be dependencies of ours.
 */
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { MIME_TYPE, shows } from './saved';
import { JsonObject } from './types';

/** The outputs of a cell. */
interface Outputs {
  readonly length: number;
  get(index: number): IRenderMime.IMimeModel & { toJSON(): JsonObject };
  set(index: number, output: JsonObject): void;
}

/** An open document. */
export interface Document {
  readonly path: string;
  readonly model: { readonly dirty: boolean; readonly readOnly: boolean };
  save(): Promise<void>;
}

/** An open notebook: its cells on screen, and those of the file. */
export interface Notebook extends Widget {
  readonly widgets: readonly (Widget & { readonly model?: { readonly outputs?: Outputs } })[];
  activeCellIndex: number;
  /** Bring a cell into sight, drawn or not. */
  scrollToItem?(index: number, align: 'smart'): Promise<void>;
  readonly model: {
    readonly sharedModel: { insertCells(index: number, cells: readonly JsonObject[]): void };
  };
}

/** Replace the data of the output that `widget` draws, in the notebook too. */
export function rewrite(
  widget: Widget,
  model: IRenderMime.IMimeModel,
  data: JsonObject
): void {
  const outputs = ancestor(widget, isOutputs);
  for (let index = 0; outputs && index < outputs.length; index += 1) {
    const output = outputs.get(index);
    if (output === model) {
      outputs.set(index, { ...output.toJSON(), data });
      return;
    }
  }
}

/** Give the document that `widget` stands in. */
export function documentOf(widget: Widget): Document | null {
  return ancestor(widget, isDocument);
}

/** Give the notebook that a main widget shows. */
export function notebookIn(widget: Widget | null): Notebook | null {
  const { content } = (widget ?? {}) as { content?: Widget };
  return content ? isNotebook(content) : null;
}

/** Give the notebook that `widget` stands in. */
export function notebookOf(widget: Widget): Notebook | null {
  return ancestor(widget, isNotebook);
}

/** Find the cell that shows a session; -1 where none does. One that is scrolled away may have no elements. */
export function cellOf({ widgets }: Notebook, id: string): number {
  return widgets.findIndex(({ model }) => {
    const outputs = model?.outputs;
    return Array.from({ length: outputs?.length ?? 0 }, (_, at) => outputs?.get(at).data[MIME_TYPE]).some(
      data => shows(data, id)
    );
  });
}

function ancestor<T>(
  widget: Widget,
  found: (widget: Widget) => T | null
): T | null {
  for (let one: Widget | null = widget; one; one = one.parent) {
    const result = found(one);
    if (result) {
      return result;
    }
  }
  return null;
}

function isOutputs(widget: Widget): Outputs | null {
  const { model } = widget as { model?: Partial<Outputs> };
  return typeof model?.get === 'function' &&
    typeof model.set === 'function' &&
    typeof model.length === 'number'
    ? (model as Outputs)
    : null;
}

function isNotebook(widget: Widget): Notebook | null {
  const { model, activeCellIndex } = widget as unknown as Partial<Notebook>;
  return typeof activeCellIndex === 'number' &&
    typeof model?.sharedModel?.insertCells === 'function'
    ? (widget as Notebook)
    : null;
}

function isDocument(widget: Widget): Document | null {
  const { context } = widget as { context?: Partial<Document> };
  return typeof context?.save === 'function' && typeof context.path === 'string'
    ? (context as Document)
    : null;
}
