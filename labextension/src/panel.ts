/** The side panel: the sessions of this server, found by words and by state. */
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { Actions, Commands } from './actions';
import { fraction } from './bar';
import { Confirm } from './confirm';
import { button, el, Keyed, Part, setAttributes, setText, show } from './dom';
import { FormHost, NewSession } from './form';
import { Action } from './host';
import { Sessions } from './sessions';
import { isFinished, Snapshot, State } from './types';
import { clock, stateWord, Words } from './words';
import css from '../lib/panel.style.js';
import { wear } from './wear';

/** What the panel asks of the application. */
export interface PanelHost extends FormHost {
  open(snapshot: Snapshot): void;
  /** Put a session into the notebook in front. */
  insert(id: string): void;
  canInsert(): boolean;
  command(id: string, action: Exclude<Action, 'start'>): Promise<void>;
  /** Remove a session for good. */
  remove(id: string): Promise<void>;
}

const FILTERS = ['all', 'unfinished', 'awaiting_approval', 'completed', 'ended'] as const;
type Filter = (typeof FILTERS)[number];

/** List sessions; nothing is asked of the server while the panel is hidden. */
export class SessionsPanel extends Widget {
  constructor(
    private readonly sessions: Sessions,
    host: PanelHost,
    private readonly trans: Words
  ) {
    super();
    wear('panel', css);
    this.addClass('jr-root');
    this.addClass('jr-panel');
    this.node.setAttribute('data-lm-suppress-shortcuts', 'true');
    this.list = new Keyed<Snapshot>(
      el('ul', { class: 'jr-sessions' }),
      ({ session_id: id }) => id,
      () => new Row(host, trans)
    );
    this.list.node.setAttribute('aria-label', trans.__('Research sessions'));
    this.form = new NewSession(host, trans);
    setAttributes(this.search, {
      placeholder: trans.__('Find by topic'),
      'aria-label': trans.__('Find by topic')
    });
    this.search.addEventListener('input', () => this.draw());
    this.filter.setAttribute('aria-label', trans.__('State'));
    this.filter.append(
      ...FILTERS.map(name => el('option', { value: name }, filterWord(trans, name)))
    );
    this.filter.addEventListener('change', () => this.draw());
    this.older = button(trans.__('Older sessions'), 'jr-link jr-older', () => void sessions.lookFurther());
    this.node.append(
      el('div', { class: 'jr-panel-head' }, el('h2', {}, trans.__('Research sessions')), this.form.opener),
      this.form.node,
      this.notice,
      el('div', { class: 'jr-find' }, this.search, this.filter),
      this.hint,
      this.list.node,
      this.older
    );
    sessions.changed.connect(this.onChanged, this);
  }

  dispose(): void {
    this.sessions.changed.disconnect(this.onChanged, this);
    this.sessions.watch(this, false);
    cancelAnimationFrame(this.frame);
    this.list.dispose();
    super.dispose();
  }

  /** Open the form for a new session. */
  askForTopic(): void {
    this.form.toggle(true);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.sessions.watch(this, true);
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.sessions.watch(this, this.isVisible);
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.sessions.watch(this, false);
  }

  private onChanged(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const words = this.search.value.toLowerCase().split(/\s+/);
    const filter = this.filter.value as Filter;
    const found = this.sessions.list.filter(
      ({ topic, state }) =>
        passes(state, filter) && words.every(word => topic.toLowerCase().includes(word))
    );
    this.list.update(found);
    setText(this.notice, this.sessions.notices.join(' '));
    show(this.notice, this.sessions.notices.length > 0);
    const hint = this.sessions.problem ?? (found.length ? '' : this.nothing());
    setText(this.hint, hint);
    show(this.hint, hint !== '');
    show(this.older, this.sessions.hasOlder);
  }

  private nothing(): string {
    return this.sessions.list.length
      ? this.trans.__('No session fits.')
      : this.trans.__('No session yet. Start one here, or with %research in a cell.');
  }

  private frame = 0;
  private readonly list: Keyed<Snapshot>;
  private readonly form: NewSession;
  private readonly older: HTMLButtonElement;
  private readonly hint = el('p', { class: 'jr-hint' });
  private readonly notice = el('p', { class: 'jr-notice', role: 'status', hidden: true });
  private readonly search = el('input', { type: 'search', class: 'jr-field' });
  private readonly filter = el('select', { class: 'jr-field' });
}

function passes(state: State, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'unfinished':
      return !isFinished(state);
    case 'ended':
      return state === 'failed' || state === 'cancelled';
    default:
      return state === filter;
  }
}

function filterWord(trans: Words, filter: Filter): string {
  switch (filter) {
    case 'all':
      return trans.__('All');
    case 'unfinished':
      return trans.__('Unfinished');
    case 'ended':
      return trans.__('Failed or cancelled');
    default:
      return stateWord(trans, filter);
  }
}

class Row implements Part<Snapshot> {
  readonly node: HTMLElement;

  constructor(
    private readonly host: PanelHost,
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
    this.insert = button(trans.__('Insert'), 'jr-button', () => host.insert(this.id));
    setAttributes(this.insert, { title: trans.__('Insert the session into the notebook') });
    this.node = el('li', { class: 'jr-panel-row' }, this.open);
    this.commands = new Commands(
      { command: action => host.command(this.id, action as Exclude<Action, 'start'>) },
      this.node
    );
    this.actions = new Actions(this.commands, trans);
    this.remove = new Confirm(
      {
        name: trans.__('Delete'),
        question: trans.__('Delete the session and its report?'),
        yes: trans.__('Yes, delete'),
        no: trans.__('Keep')
      },
      () => void this.commands.perform(() => host.remove(this.id)),
      () => this.allow()
    );
    this.actions.node.append(this.insert, this.remove.opener, this.remove.question);
    this.node.append(this.actions.node, this.commands.refusal);
    // Which notebook is in front changes without a word to us.
    this.node.addEventListener('pointerenter', () => this.allow());
    this.node.addEventListener('focusin', () => this.allow());
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
      isFinished(snapshot.state) ? `${word} · ${clock(snapshot.updated)}` : word + far
    );
    this.actions.update(snapshot);
    this.allow();
  }

  dispose(): void {
    this.actions.dispose();
    this.remove.stop();
  }

  private allow(): void {
    this.remove.update(this.snapshot !== null && isFinished(this.snapshot.state));
    show(this.insert, !this.remove.asking && this.host.canInsert());
  }

  private get id(): string {
    return this.snapshot?.session_id ?? '';
  }

  private snapshot: Snapshot | null = null;
  private readonly open: HTMLButtonElement;
  private readonly insert: HTMLButtonElement;
  private readonly remove: Confirm;
  private readonly commands: Commands;
  private readonly actions: Actions;
  private readonly topic = el('span', { class: 'jr-row-topic' });
  private readonly state = el('span', { class: 'jr-row-state' });
}
