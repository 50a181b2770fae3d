/** The anywidget: the same card, fed from the kernel, for front ends without the labextension. */
import type { AnyModel, RenderProps } from '@anywidget/types';
import { Action, CardModel, Host } from './host';
import { reduceAll } from './reduce';
import { save } from './download';
import { readSnapshot } from './saved';
import { JsonObject, Report, SessionEvent, Snapshot } from './types';
import { SessionCard } from './view';
import { PLAIN } from './words';
import approval from '../lib/approval.style.js';
import base from '../lib/base.style.js';
import report from '../lib/report.style.js';

/** The kernel is busy elsewhere if it has not taken a request by then. */
const TAKEN_MS = 20_000;

/** Such front ends have no translator. */
const trans = PLAIN;

interface Traits {
  snapshot: JsonObject;
  events: SessionEvent[];
  notice?: string;
}

/** What the kernel says to a request: that it has it, then how it ended. */
interface Answer {
  readonly id: string;
  readonly taken?: true;
  readonly error?: string;
  readonly answer?: unknown;
}

/** Ask the kernel, which asks the server or works itself. */
class KernelHost implements Host {
  constructor(
    private readonly model: AnyModel<Traits>,
    private readonly node: HTMLElement
  ) {}

  async command(action: Action, body: JsonObject = {}): Promise<void> {
    await this.request(action, body);
  }

  async report(partial = false): Promise<Report> {
    return (await this.request<Report>('report', { partial })).answer;
  }

  async events(after: number, limit: number): Promise<readonly SessionEvent[]> {
    return (await this.request<SessionEvent[]>('events', { after, limit })).answer;
  }

  async source(source: string): Promise<{ readonly text: string }> {
    return (await this.request<{ text: string }>('source', { source })).answer;
  }

  async ask(question: string): Promise<Report> {
    return (await this.request<{ report: Report }>('ask', { question })).answer.report;
  }

  async download(format: string, partial = false): Promise<void> {
    const { answer, buffers } = await this.request<string>('download', { format, partial });
    save(new Blob(buffers), answer, this.node);
  }

  private request<T>(action: string, body: JsonObject): Promise<{ answer: T; buffers: DataView[] }> {
    const { model } = this;
    const id = `${Date.now()}-${Math.random()}`;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        window.clearTimeout(timer);
        model.off('msg:custom', onAnswer);
      };
      const onAnswer = (said: Answer, buffers: DataView[]): void => {
        if (said.id !== id) {
          return;
        }
        window.clearTimeout(timer);
        if (said.taken) {
          return;
        }
        end();
        if (said.error === undefined) {
          resolve({ answer: said.answer as T, buffers });
        } else {
          reject(new Error(said.error));
        }
      };
      const timer = window.setTimeout(() => {
        end();
        reject(new Error(trans.__('The kernel does not answer; it may be busy.')));
      }, TAKEN_MS);
      model.on('msg:custom', onAnswer);
      model.send({ id, action, body });
    });
  }
}

function render({ model, el }: RenderProps<Traits>): () => void {
  const style = document.createElement('style');
  // In the element itself, which may stand in a shadow tree.
  style.textContent = base + approval + report;
  const card = new SessionCard(new KernelHost(model, el), trans);
  el.replaceChildren(style, card.node);
  let snapshot = read(model);
  const draw = (): void => card.update(cardModel(model, snapshot));
  const onSnapshot = (): void => {
    const next = read(model);
    if (
      next.session_id !== snapshot.session_id ||
      next.last_seq >= snapshot.last_seq
    ) {
      snapshot = next;
      draw();
    }
  };
  const onEvents = (): void => {
    snapshot = reduceAll(snapshot, model.get('events'));
    draw();
  };
  model.on('change:snapshot', onSnapshot);
  model.on('change:events', onEvents);
  model.on('change:notice', draw);
  onEvents();
  return () => {
    model.off('change:snapshot', onSnapshot);
    model.off('change:events', onEvents);
    model.off('change:notice', draw);
    card.dispose();
  };
}

function read(model: AnyModel<Traits>): Snapshot {
  const data = model.get('snapshot');
  return readSnapshot(data, typeof data.session_id === 'string' ? data.session_id : '');
}

function cardModel(model: AnyModel<Traits>, snapshot: Snapshot): CardModel {
  return {
    snapshot,
    link: 'live',
    asOf: null,
    notice: model.get('notice') || null,
    events: model.get('events'),
    start: null
  };
}

export default { render };
