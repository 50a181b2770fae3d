/**
 * What comes over the wire. `tests/test_frontend_types.py` holds the lists and the
 * keys against the Python ones.
 */

export const STATES = [
  'queued',
  'planning',
  'awaiting_approval',
  'researching',
  'paused',
  'interrupted',
  'completed',
  'cancelled',
  'failed'
] as const;

export const KINDS = [
  'session_started',
  'work_started',
  'status_update',
  'approval_requested',
  'modification_started',
  'research_approved',
  'research_paused',
  'research_resumed',
  'research_interrupted',
  'research_completed',
  'research_cancelled',
  'research_failed'
] as const;

export const VERDICTS = [
  'verbatim',
  'repaired',
  'terms match',
  'terms missing',
  'uncited'
] as const;

export type State = (typeof STATES)[number];
export type Kind = (typeof KINDS)[number];
export type Verdict = (typeof VERDICTS)[number];

/** A JSON object whose keys are for others to choose. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

export interface SessionEvent {
  readonly session_id: string;
  readonly seq: number;
  readonly time: string;
  readonly kind: Kind;
  readonly step: string | null;
  readonly step_number: number | null;
  readonly message: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly detail: JsonObject;
}

export interface Analyst {
  readonly id: unknown;
  readonly name: unknown;
  readonly role: unknown;
  readonly affiliation: unknown;
  readonly description: unknown;
  readonly step: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly state: 'waiting' | 'working' | 'done' | 'failed';
  readonly failed: unknown;
}

export interface SessionError {
  readonly code: unknown;
  readonly message: unknown;
}

export interface Snapshot {
  readonly session_id: string;
  readonly topic: string;
  readonly state: State;
  readonly owner: string | null;
  readonly researcher: string | null;
  readonly options: JsonObject;
  readonly approve: string | null;
  readonly question: string | null;
  readonly version: number;
  readonly proposal: unknown;
  readonly analysts: readonly Analyst[];
  readonly done: number | null;
  readonly total: number | null;
  readonly step: string | null;
  readonly message: string | null;
  readonly last_seq: number;
  readonly created: string | null;
  readonly updated: string | null;
  readonly usage: JsonObject;
  readonly error: SessionError | null;
  readonly limitations: readonly string[];
  readonly notebook: string | null;
  readonly attempt: number;
  readonly report_available: boolean;
}

export interface Citation {
  readonly source: string;
  readonly start: number;
  readonly end: number;
  readonly quote: string;
  readonly page?: number;
  readonly cell?: number;
  readonly heading?: string;
}

export interface Claim {
  readonly id: string;
  readonly text: string;
  readonly verdict: Verdict;
  readonly citations: readonly Citation[];
  /** What the text has and its passages lack. */
  readonly missing?: readonly string[];
  /** It tells of the research itself: nothing that a source could say. */
  readonly note?: boolean;
}

export interface Section {
  readonly heading: string;
  readonly analyst: string | null;
  readonly claims: readonly Claim[];
}

export interface Source {
  readonly id: string;
  readonly number: number;
  readonly kind: string;
  readonly title: string;
  readonly path?: string | null;
  readonly url?: string;
  readonly authors: readonly string[];
  readonly year: number | null;
  readonly doi: string | null;
  readonly pages: number | null;
  readonly retracted?: boolean;
}

export interface Report {
  readonly title: string;
  readonly topic: string;
  readonly sections: readonly Section[];
  readonly sources: readonly Source[];
  readonly limitations: readonly string[];
  readonly usage: JsonObject;
  readonly made: JsonObject;
  /** What a researcher of one's own wrote; absent in a report made of claims. */
  readonly markdown?: string;
}

/** States in which a session holds a slot. */
export function isWorking(state: State): boolean {
  return state === 'planning' || state === 'researching';
}

/** States that a session does not leave by itself. */
export function isFinished(state: State): boolean {
  return state === 'completed' || state === 'cancelled' || state === 'failed';
}

/** Tell a JSON object from everything else. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
