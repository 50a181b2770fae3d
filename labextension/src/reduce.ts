/**
 * How events add up to the state of a session: the same function as
 * `jupyter_research/events.py`, key by key. Shared fixtures hold the two together.
 */
import {
  Analyst,
  isObject,
  JsonObject,
  SessionEvent,
  Snapshot,
  State
} from './types';

type Draft = { -readonly [K in keyof Snapshot]: Snapshot[K] };
type Reducer = (draft: Draft, event: SessionEvent) => void;

const FRESH = {
  step: null,
  done: null,
  total: null,
  state: 'waiting',
  failed: null
} as const;

/** Give the state of a session that has no event yet. */
export function initial(sessionId: string): Snapshot {
  return {
    session_id: sessionId,
    topic: '',
    state: 'queued',
    owner: null,
    researcher: null,
    options: {},
    approve: null,
    question: null,
    version: 0,
    proposal: null,
    analysts: [],
    done: null,
    total: null,
    step: null,
    message: null,
    last_seq: 0,
    created: null,
    updated: null,
    usage: {},
    error: null,
    limitations: [],
    notebook: null,
    attempt: 0,
    report_available: false
  };
}

/**
 * Give the state after `event`; `state` itself stays as it is. An event at or before
 * `state.last_seq` changes nothing, so that replay and live delivery may overlap.
 */
export function reduce(state: Snapshot, event: SessionEvent): Snapshot {
  if (event.seq <= state.last_seq) {
    return state;
  }
  const draft: Draft = { ...state, last_seq: event.seq, updated: event.time };
  draft.step = event.step ?? state.step;
  draft.message = event.message ?? state.message;
  draft.done = event.done ?? state.done;
  draft.total = event.total ?? state.total;
  if (event.kind === 'status_update') {
    updated(draft, event);
    return draft;
  }
  if (typeof event.detail.state === 'string') {
    draft.state = event.detail.state as State;
  }
  // A newer server may know kinds that this page does not.
  REDUCERS[event.kind]?.(draft, event);
  return draft;
}

/** Give the state after all of `events`. */
export function reduceAll(
  state: Snapshot,
  events: Iterable<SessionEvent>
): Snapshot {
  for (const event of events) {
    state = reduce(state, event);
  }
  return state;
}

const updated: Reducer = (draft, event) => {
  if (isObject(event.detail.usage)) {
    draft.usage = event.detail.usage;
  }
  if ('analyst' in event.detail) {
    draft.analysts = draft.analysts.map(analyst =>
      analyst.id === event.detail.analyst
        ? analystAfter(analyst, event)
        : analyst
    );
  }
};

const started: Reducer = (draft, event) => {
  draft.created = event.time;
  const { detail } = event;
  const given = <K extends keyof Draft>(name: K): void => {
    if (name in detail) {
      draft[name] = detail[name] as Draft[K];
    }
  };
  given('topic');
  given('researcher');
  given('options');
  given('owner');
  given('notebook');
  given('attempt');
  given('approve');
};

const attempt: Reducer = (draft, { detail }) => {
  if ('attempt' in detail) {
    draft.attempt = detail.attempt as number;
  }
  draft.error = null;
};

const proposed: Reducer = (draft, { detail }) => {
  draft.version = detail.version as number;
  draft.proposal = detail.proposal;
  draft.question = (detail.question as string | undefined) ?? null;
  draft.analysts = analystsOf(detail.proposal, draft.analysts);
};

const approved: Reducer = (draft, event) => {
  proposed(draft, event);
  draft.question = null;
};

const modified: Reducer = draft => {
  draft.question = null;
};

const ended: Reducer = (draft, { detail }) => {
  draft.report_available = isTrue(detail.report_available);
  draft.limitations = isTrue(detail.limitations)
    ? (detail.limitations as string[])
    : [];
  draft.question = null;
  draft.error = null;
};

const failed: Reducer = (draft, { detail }) => {
  draft.error = { code: detail.code ?? null, message: detail.cause ?? null };
  draft.question = null;
};

const REDUCERS: { readonly [kind: string]: Reducer | undefined } = {
  session_started: started,
  work_started: attempt,
  approval_requested: proposed,
  modification_started: modified,
  research_approved: approved,
  research_paused: attempt,
  research_resumed: attempt,
  research_interrupted: attempt,
  research_completed: ended,
  research_cancelled: ended,
  research_failed: failed
};

/** Give the analysts of a proposal, each with the progress it already had. */
function analystsOf(
  proposal: unknown,
  before: readonly Analyst[]
): readonly Analyst[] {
  const given = isObject(proposal) ? proposal.analysts : null;
  if (!Array.isArray(given)) {
    return before;
  }
  const known = new Map(before.map(analyst => [analyst.id, analyst]));
  return given.filter(isObject).map(analyst => {
    const fact = (name: string): unknown => analyst[name] ?? null;
    const { step, done, total, state, failed } =
      known.get(fact('id')) ?? FRESH;
    return {
      id: fact('id'),
      name: fact('name'),
      role: fact('role'),
      affiliation: fact('affiliation'),
      description: fact('description'),
      step,
      done,
      total,
      state,
      failed
    };
  });
}

function analystAfter(analyst: Analyst, event: SessionEvent): Analyst {
  const { detail } = event;
  const step = event.step ?? analyst.step;
  const done = amount(detail.analyst_done) ?? analyst.done;
  const total = amount(detail.analyst_total) ?? analyst.total;
  if (isTrue(detail.failed)) {
    return { ...analyst, step, done, total, state: 'failed', failed: detail.failed };
  }
  const isDone = !!total && done !== null && done >= total;
  return { ...analyst, step, done, total, state: isDone ? 'done' : 'working', failed: null };
}

function amount(value: unknown): number | null {
  const fits =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= 0 &&
    value < 2 ** 53;
  return fits ? value : null;
}

/** Tell truth as Python counts it: an empty list or object is false. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.length > 0;
  }
  return isObject(value) ? Object.keys(value as JsonObject).length > 0 : !!value;
}
