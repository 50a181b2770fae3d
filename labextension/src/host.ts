/** What a card asks of the place it stands in: a notebook, a panel, another front end. */
import { JsonObject, Report, SessionEvent, Snapshot } from './types';

export type Action =
  | 'start'
  | 'approve'
  | 'modify'
  | 'pause'
  | 'resume'
  | 'cancel';

/** Rejections carry a sentence for people in `message`. */
export interface Host {
  /** Do it on the server, as the person who looks; absent where nothing can be done. */
  command?(action: Action, body?: JsonObject): Promise<void>;
  /** Fetch the finished report, or what a cancelled session had found. */
  report(partial?: boolean): Promise<Report>;
  /** Fetch events after `after`; absent where the whole log is already here. */
  events?(after: number, limit: number): Promise<readonly SessionEvent[]>;
  /** Fetch the stored text of a source. */
  source?(id: string): Promise<{ readonly text: string }>;
  /** Hand the report to the browser's download. */
  download?(format: string, partial?: boolean): Promise<void>;
  /** Answer a further question from what the session has read. */
  ask?(question: string): Promise<Report>;
  /** Whether the report can be put into the notebook around the card. */
  readonly canInsert?: boolean;
  /** Put the report below the card, as cells. */
  insert?(partial?: boolean): Promise<void>;
  /** Try to connect again after the card has given up. */
  retry?(): void;
  /** Draw Markdown, sanitised. */
  markdown?(text: string): HTMLElement;
  /** Give the report as the notebook saved it, as Markdown, for when the server has it no longer. */
  savedReport?(): string | null;
}

/**
 * How fresh the snapshot is: joining, live, cut off and trying again, given up, a session
 * that another server holds, or one that the server does not have for us.
 */
export type Link = 'joining' | 'live' | 'lost' | 'stopped' | 'elsewhere' | 'gone';

/** All that a card draws. */
export interface CardModel {
  readonly snapshot: Snapshot;
  readonly link: Link;
  /** When the snapshot was true, as an ISO time; null when it is true now. */
  readonly asOf: string | null;
  /** A sentence about the connection or the place of work. */
  readonly notice: string | null;
  /** The latest events, oldest first, without holes. */
  readonly events: readonly SessionEvent[];
  /** The request that the Start button sends; null when there is a session. */
  readonly start: JsonObject | null;
}
