/** The anywidget: the same card, fed from the kernel, for front ends without the labextension. */
import type { AnyModel, RenderProps } from '@anywidget/types';
import { Action, CardModel, Host } from './host';
import { reduceAll } from './reduce';
import { readSnapshot } from './saved';
import { isObject, JsonObject, Report, SessionEvent, Snapshot } from './types';
import { SessionCard } from './view';
import approval from '../lib/approval.style.js';
import base from '../lib/base.style.js';
import report from '../lib/report.style.js';

/** The kernel is busy elsewhere if it takes longer than this. */
const ANSWER_MS = 20_000;

interface Traits {
  snapshot: JsonObject;
  events: SessionEvent[];
  report: JsonObject | null;
  command: JsonObject;
  error: string;
  notice?: string;
}

/** Pass commands to the kernel and wait for what it answers. */
class KernelHost implements Host {
  constructor(private readonly model: AnyModel<Traits>) {}

  command(action: Action, body: JsonObject = {}): Promise<void> {
    return this.send({ action, body }, 'snapshot');
  }

  async report(partial = false): Promise<Report> {
    if (!isObject(this.model.get('report'))) {
      await this.send({ action: 'report', body: { partial } }, 'report');
    }
    return this.model.get('report') as unknown as Report;
  }

  private send(command: JsonObject, answer: 'snapshot' | 'report'): Promise<void> {
    const { model } = this;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        window.clearTimeout(timer);
        model.off(`change:${answer}`, onAnswer);
        model.off('change:error', onError);
      };
      const onAnswer = (): void => {
        end();
        resolve();
      };
      const onError = (): void => {
        if (model.get('error')) {
          end();
          reject(new Error(model.get('error')));
        }
      };
      const timer = window.setTimeout(() => {
        end();
        reject(new Error('The kernel does not answer; it may be busy.'));
      }, ANSWER_MS);
      model.set('error', '');
      model.on(`change:${answer}`, onAnswer);
      model.on('change:error', onError);
      model.set('command', { ...command, nonce: `${Date.now()}-${Math.random()}` });
      model.save_changes();
    });
  }
}

function render({ model, el }: RenderProps<Traits>): () => void {
  const style = document.createElement('style');
  // In the element itself, which may stand in a shadow tree.
  style.textContent = base + approval + report;
  const card = new SessionCard(new KernelHost(model));
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
