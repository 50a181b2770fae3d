/**
 * The place of an output: the cell that holds it and the document around that.
 *
 * Told by what they can do rather than by their classes, so that JupyterLab, Notebook
 * and whoever embeds them need not be dependencies of ours.
 */
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
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

/** Replace the data of the output that `widget` draws, in the notebook too. */
export function rewrite(
  widget: Widget,
  model: IRenderMime.IMimeModel,
  data: JsonObject
): boolean {
  const outputs = ancestor(widget, isOutputs);
  for (let index = 0; outputs && index < outputs.length; index += 1) {
    const output = outputs.get(index);
    if (output === model) {
      outputs.set(index, { ...output.toJSON(), data });
      return true;
    }
  }
  return false;
}

/** Give the document that `widget` stands in. */
export function documentOf(widget: Widget): Document | null {
  return ancestor(widget, isDocument);
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

function isDocument(widget: Widget): Document | null {
  const { context } = widget as { context?: Partial<Document> };
  return typeof context?.save === 'function' && typeof context.path === 'string'
    ? (context as Document)
    : null;
}
