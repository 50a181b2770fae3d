/** The saved output: what stands in the notebook file, which anybody may have written. */
import { initial } from './reduce';
import { isObject, JsonObject, Snapshot, STATES } from './types';

export const MIME_TYPE = 'application/vnd.jupyter-research.session+json';

/** The newest form of the output that this page can draw. */
const SCHEMA = 1;

/** What a saved output says, as far as it can be believed. */
export interface Saved {
  readonly snapshot: Snapshot;
  readonly asOf: string | null;
  /** Whether the session works in the kernel, where no server can be asked. */
  readonly inKernel: boolean;
  /** The request of a Start button. */
  readonly start: JsonObject | null;
}

/** Read a saved output; null where it is not one that we can draw. */
export function readSaved(data: unknown): Saved | null {
  if (!isOurs(data)) {
    return null;
  }
  if (isObject(data.start)) {
    const topic = typeof data.start.topic === 'string' ? data.start.topic : '';
    return {
      snapshot: { ...initial(''), topic },
      asOf: null,
      inKernel: false,
      start: data.start
    };
  }
  const id = data.session_id;
  // Goes into addresses: nothing but the form that session ids have.
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) {
    return null;
  }
  return {
    snapshot: readSnapshot(data.snapshot, id),
    asOf: typeof data.as_of === 'string' ? data.as_of : null,
    inKernel: data.where === 'kernel',
    start: null
  };
}

/** Tell whether a saved output is of this session, without reading the rest. */
export function shows(data: unknown, id: string): boolean {
  return isOurs(data) && data.session_id === id;
}

/** Tell whether it has a form that we can draw. */
function isOurs(data: unknown): data is JsonObject {
  return isObject(data) && !(typeof data.schema === 'number' && data.schema > SCHEMA);
}

/** Take the keys that have the type they should have; the rest as in a new session. */
export function readSnapshot(data: unknown, id: string): Snapshot {
  const empty = initial(id);
  if (!isObject(data)) {
    return empty;
  }
  const read: Record<string, unknown> = { ...empty };
  for (const [key, value] of Object.entries(empty)) {
    if (fits(data[key], value)) {
      read[key] = data[key];
    }
  }
  read.session_id = id;
  const snapshot = read as unknown as Snapshot;
  return {
    ...snapshot,
    state: STATES.includes(snapshot.state) ? snapshot.state : 'queued',
    analysts: snapshot.analysts.filter(isObject),
    error: isObject(data.error) ? (data.error as unknown as Snapshot['error']) : null,
    proposal: data.proposal ?? null
  };
}

function fits(value: unknown, like: unknown): boolean {
  if (like === null) {
    return ['string', 'number'].includes(typeof value);
  }
  if (Array.isArray(like)) {
    return Array.isArray(value);
  }
  return isObject(like) ? isObject(value) : typeof value === typeof like;
}
