/** The words of the card: states, steps, times and amounts, ready for translation. */
import type { Link } from './host';
import { isObject, JsonObject, State } from './types';

/** The part of JupyterLab's translation bundle that we use. */
export interface Words {
  __(message: string, ...values: unknown[]): string;
  _n(one: string, many: string, count: number, ...values: unknown[]): string;
}

/** The words as they stand in the source. */
export const PLAIN: Words = {
  __: (message, ...values) => fill(message, values),
  _n: (one, many, count, ...values) =>
    fill(count === 1 ? one : many, [count, ...values])
};

function fill(message: string, values: readonly unknown[]): string {
  return message.replace(/%(\d)/g, (whole, place) => {
    const value = values[Number(place) - 1];
    return value === undefined ? whole : String(value);
  });
}

export function stateWord(trans: Words, state: State): string {
  switch (state) {
    case 'queued':
      return trans.__('Queued');
    case 'planning':
      return trans.__('Planning');
    case 'awaiting_approval':
      return trans.__('Waits for your approval');
    case 'researching':
      return trans.__('Researching');
    case 'paused':
      return trans.__('Paused');
    case 'interrupted':
      return trans.__('Interrupted');
    case 'completed':
      return trans.__('Completed');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'failed':
      return trans.__('Failed');
    default:
      return plain(state);
  }
}

export function stepWord(trans: Words, step: string): string {
  switch (step) {
    case 'READ_LIBRARY':
      return trans.__('reading the library');
    case 'CREATE_ANALYSTS':
      return trans.__('choosing analysts');
    case 'HUMAN_FEEDBACK':
      return trans.__('waiting for approval');
    case 'GENERATE_QUESTION':
      return trans.__('asking a question');
    case 'SEARCH_LIBRARY':
      return trans.__('searching the library');
    case 'GENERATE_ANSWER':
      return trans.__('writing an answer');
    case 'ROUTE_MESSAGES':
      return trans.__('deciding what is next');
    case 'SAVE_INTERVIEW':
      return trans.__('saving the interview');
    case 'WRITE_SECTION':
      return trans.__('writing the section');
    case 'INITIATE_ALL_INTERVIEWS':
      return trans.__('starting the interviews');
    case 'WRITE_REPORT':
      return trans.__('writing the report');
    case 'WRITE_INTRODUCTION':
      return trans.__('writing the introduction');
    case 'WRITE_CONCLUSION':
      return trans.__('writing the conclusion');
    case 'CHECK_CITATIONS':
      return trans.__('checking citations');
    case 'FINALIZE_REPORT':
      return trans.__('finishing the report');
    default:
      return step.startsWith('SEARCH_')
        ? trans.__('searching %1', plain(step.slice(7)))
        : plain(step);
  }
}

/** Say why a card is not live and will not be by itself, beside the time of what it shows; null where it is, or tries. */
export function linkSentence(trans: Words, link: Link): string | null {
  switch (link) {
    case 'gone':
      return trans.__(
        'This server has no such session for you: it was deleted, or belongs to somebody else. This is how it stood.'
      );
    case 'elsewhere':
      return trans.__(
        'Another server of yours holds this session: decide there. This page looks every few seconds how it stands.'
      );
    case 'stopped':
      return trans.__(
        'The server answers no longer: it is gone, or wants a login. The session may have gone on since.'
      );
    default:
      return null;
  }
}

/** Say a length of time in its two largest units. */
export function duration(trans: Words, milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) {
    return trans.__('%1 d', Math.floor(hours / 24));
  }
  if (hours) {
    return trans.__('%1 h %2 min', hours, minutes % 60);
  }
  return minutes
    ? trans.__('%1 min %2 s', minutes, seconds % 60)
    : trans.__('%1 s', seconds);
}

// To make one of these takes longer than to draw a card.
const TIME = { hour: '2-digit', minute: '2-digit' } as const;
const TODAY = new Intl.DateTimeFormat(undefined, TIME);
const ANY_DAY = new Intl.DateTimeFormat(undefined, {
  ...TIME,
  day: 'numeric',
  month: 'short',
  year: 'numeric'
});
const EXACT = new Intl.DateTimeFormat(undefined, { ...TIME, second: '2-digit' });

/** Say a time of day, with its date when that is not today. */
export function clock(iso: string | null): string {
  const time = iso === null ? NaN : Date.parse(iso);
  if (Number.isNaN(time)) {
    return '';
  }
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return (today ? TODAY : ANY_DAY).format(date);
}

/** Say a time of day to the second. */
export function moment(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? '' : EXACT.format(time);
}

/** Say what was used, one text per amount: `1,204 tokens`. */
export function usageWords(trans: Words, usage: JsonObject): string[] {
  return Object.entries(usage).flatMap(([name, value]) => {
    if (typeof value !== 'number' || value === 0) {
      return [];
    }
    return [amountWord(trans, name, value)];
  });
}

/** Say one amount: `$0.13`, `18 calls`. */
export function amountWord(trans: Words, name: string, value: number): string {
  const amount = value.toLocaleString(undefined, {
    minimumFractionDigits: name === 'money' ? 2 : 0,
    maximumFractionDigits: name !== 'money' ? 1 : value < 0.1 ? 4 : 2
  });
  switch (name) {
    case 'money':
      return trans.__('$%1', amount);
    case 'tokens':
      return trans.__('%1 tokens', amount);
    case 'calls':
      return trans._n('%1 call', '%1 calls', value);
    case 'searches':
      return trans._n('%1 search', '%1 searches', value);
    case 'online_searches':
      return trans._n('%1 online search', '%1 online searches', value);
    case 'fetches':
      return trans._n('%1 page fetched', '%1 pages fetched', value);
    case 'sources':
      return trans._n('%1 source found', '%1 sources found', value);
    case 'seconds':
      return duration(trans, value * 1000);
    default:
      return `${amount} ${plain(name)}`;
  }
}

/** Make a text of whatever others gave: a sentence, an object with one, or JSON. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (isObject(value)) {
    const sentence = value.cause ?? value.message ?? value.error;
    return sentence === undefined ? JSON.stringify(value) : asText(sentence);
  }
  return Array.isArray(value) ? value.map(asText).join(', ') : String(value);
}

/** `SOME_WORD` or `some_word` as people write it. */
export function plain(name: string): string {
  return name.replace(/_/g, ' ').toLowerCase();
}
