/** A page with one card and no server, for the tests in a browser. */
import { CardModel, Host } from '../src/host';
import { reduceAll, initial } from '../src/reduce';
import { Report, SessionEvent } from '../src/types';
import { SessionCard } from '../src/view';
import { linkSentence, PLAIN, Words } from '../src/words';

interface Harness {
  card?: SessionCard;
  calls: [string, unknown][];
  refusal: string;
  report: Report | null;
  events: SessionEvent[];
  text: string;
  /** Whether the log is slow: what is asked of it is answered by `release`. */
  hold: boolean;
  release(): void;
  /** Whether to speak a language in which every word is marked. */
  foreign: boolean;
  draw(events: SessionEvent[], model?: Partial<CardModel>): void;
}

const harness: Harness = {
  calls: [],
  refusal: '',
  report: null,
  events: [],
  text: '',
  hold: false,
  release() {
    harness.hold = false;
    held.splice(0).forEach(answer => answer());
  },
  foreign: false,
  draw(events, model = {}) {
    harness.events = events;
    if (!harness.card) {
      harness.card = new SessionCard(host, harness.foreign ? MARKED : PLAIN);
      document.getElementById('place')?.append(harness.card.node);
    }
    const id = events[0]?.session_id ?? '';
    const { link = 'live' } = model;
    harness.card.update({
      snapshot: reduceAll(initial(id), events),
      link,
      asOf: null,
      notice: linkSentence(harness.foreign ? MARKED : PLAIN, link),
      events: events.slice(-300),
      start: null,
      ...model
    });
  }
};

const held: (() => void)[] = [];

const MARKED: Words = {
  __: (message, ...values) => `‹${PLAIN.__(message, ...values)}›`,
  _n: (one, many, count, ...values) => `‹${PLAIN._n(one, many, count, ...values)}›`
};

const host: Host = {
  command: (action, body) => {
    harness.calls.push([action, body ?? null]);
    return harness.refusal
      ? Promise.reject(new Error(harness.refusal))
      : Promise.resolve();
  },
  report: partial => {
    if (partial) {
      harness.calls.push(['report', 'partial']);
    }
    return harness.report
      ? Promise.resolve(harness.report)
      : Promise.reject(new Error('The session has no report yet.'));
  },
  events: async (after, limit) => {
    if (harness.hold) {
      await new Promise<void>(resolve => held.push(resolve));
    }
    if (harness.refusal) {
      throw new Error(harness.refusal);
    }
    return harness.events.filter(({ seq }) => seq > after).slice(0, limit);
  },
  source: () => Promise.resolve({ text: harness.text }),
  ask: () => Promise.reject(new Error('Nothing was found.')),
  retry: () => {
    harness.calls.push(['retry', null]);
  },
  download: (format, partial) => {
    harness.calls.push(['download', format, ...(partial ? ['partial'] : [])]);
    return Promise.resolve();
  }
};

Object.assign(window, { harness });
