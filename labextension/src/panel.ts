/** The side panel: the sessions of this server, and a form for a new one. */
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { fraction } from './bar';
import { button, el, Keyed, Part, setAttributes, setText, show } from './dom';
import { Sessions } from './sessions';
import { isFinished, JsonObject, Snapshot } from './types';
import { clock, stateWord, Words } from './words';

/** What the panel asks of the application. */
export interface PanelHost {
  open(snapshot: Snapshot): void;
  start(body: JsonObject): Promise<void>;
}

/** List sessions; nothing is asked of the server while the panel is hidden. */
export class SessionsPanel extends Widget {
  constructor(
    private readonly sessions: Sessions,
    host: PanelHost,
    private readonly trans: Words
  ) {
    super();
    this.addClass('jr-panel');
    this.list = new Keyed<Snapshot>(
      el('ul', { class: 'jr-sessions' }),
      ({ session_id: id }) => id,
      () => new Row(host, trans)
    );
    this.list.node.setAttribute('aria-label', trans.__('Research sessions'));
    setAttributes(this.search, {
      placeholder: trans.__('Find by topic or state'),
      'aria-label': trans.__('Find by topic or state')
    });
    this.search.addEventListener('input', () => this.draw());
    const form = new NewSession(host, trans);
    this.node.append(form.node, this.search, this.hint, this.list.node);
    sessions.changed.connect(this.onChanged, this);
  }

  dispose(): void {
    this.sessions.changed.disconnect(this.onChanged, this);
    this.sessions.watch(false);
    cancelAnimationFrame(this.frame);
    super.dispose();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.sessions.watch(true);
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.sessions.watch(this.isVisible);
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.sessions.watch(false);
  }

  private onChanged(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const words = this.search.value.toLowerCase().split(/\s+/);
    const found = this.sessions.list.filter(one => {
      const text = `${one.topic} ${stateWord(this.trans, one.state)}`.toLowerCase();
      return words.every(word => text.includes(word));
    });
    this.list.update(found);
    const hint =
      this.sessions.problem ??
      (found.length ? '' : this.trans.__('No session here yet.'));
    setText(this.hint, hint);
    show(this.hint, hint !== '');
  }

  private frame = 0;
  private readonly list: Keyed<Snapshot>;
  private readonly hint = el('p', { class: 'jr-hint' });
  private readonly search = el('input', { type: 'search', class: 'jr-field' });
}

class Row implements Part<Snapshot> {
  readonly node: HTMLElement;

  constructor(
    host: PanelHost,
    private readonly trans: Words
  ) {
    this.open = button('', 'jr-session-row', () => {
      if (this.snapshot) {
        host.open(this.snapshot);
      }
    });
    this.open.append(
      el('span', { class: 'jr-dot', 'aria-hidden': 'true' }),
      this.topic,
      this.state
    );
    this.node = el('li', {}, this.open);
  }

  update(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    setAttributes(this.open, {
      'data-state': snapshot.state,
      'data-session-id': snapshot.session_id,
      title: snapshot.topic
    });
    setText(this.topic, snapshot.topic);
    const part = fraction(snapshot.done, snapshot.total);
    const far = part === null ? '' : ` · ${Math.floor(part * 100)} %`;
    const word = stateWord(this.trans, snapshot.state);
    setText(
      this.state,
      isFinished(snapshot.state)
        ? `${word} · ${clock(snapshot.updated)}`
        : word + far
    );
  }

  private snapshot: Snapshot | null = null;
  private readonly open: HTMLButtonElement;
  private readonly topic = el('span', { class: 'jr-row-topic' });
  private readonly state = el('span', { class: 'jr-row-state' });
}

/** Ask for a topic and what to read for it. */
class NewSession {
  readonly node: HTMLFormElement;

  constructor(
    private readonly host: PanelHost,
    trans: Words
  ) {
    const named = (field: HTMLElement, label: string): void =>
      setAttributes(field, { placeholder: label, 'aria-label': label });
    named(this.topic, trans.__('What do you want to know?'));
    named(this.sources, trans.__('Folders, files or libraries; empty for this folder'));
    const start = el(
      'button',
      { type: 'submit', class: 'jr-button jr-primary' },
      trans.__('Start')
    );
    this.node = el(
      'form',
      { class: 'jr-new' },
      this.topic,
      this.sources,
      this.problem,
      start
    );
    this.node.setAttribute('aria-label', trans.__('New session'));
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      void this.start();
    });
  }

  private async start(): Promise<void> {
    const topic = this.topic.value.trim();
    if (!topic) {
      return this.topic.focus();
    }
    const sources = this.sources.value
      .split(',')
      .map(name => name.trim())
      .filter(name => name);
    try {
      await this.host.start({
        topic,
        options: sources.length ? { sources } : {}
      });
      this.topic.value = '';
      setText(this.problem, '');
    } catch (error) {
      setText(this.problem, (error as Error).message);
    }
    show(this.problem, this.problem.textContent !== '');
  }

  private readonly topic = el('textarea', { class: 'jr-field', rows: 2 });
  private readonly sources = el('input', { type: 'text', class: 'jr-field' });
  private readonly problem = el('p', {
    class: 'jr-refusal',
    role: 'alert',
    hidden: true
  });
}
