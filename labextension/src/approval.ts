/** The approval form: a proposed team as editable rows, any other proposal as JSON. */
import { Commands } from './actions';
import { button, el, setAttributes, setText, show } from './dom';
import { TeamEditor } from './team';
import { CardModel } from './host';
import { isObject, JsonObject, Snapshot } from './types';
import { estimateOf } from './usage';
import { Words } from './words';
import css from '../lib/approval.style.js';
import { wear } from './wear';

/** What edits a proposal. */
interface Editor {
  readonly node: HTMLElement;
  /** Whether somebody changed something. */
  readonly dirty: boolean;
  /** Give the edited proposal, or a sentence that says what is wrong with it. */
  read(): { readonly proposal: unknown } | { readonly problem: string };
}

/**
 * Draw the form while a session waits. What stands in it is touched only when another
 * version of the proposal comes, so events never take away the focus or the words.
 */
export class Approval {
  readonly node = el('section', { class: 'jr-approval', hidden: true });

  constructor(
    private readonly commands: Commands,
    private readonly trans: Words
  ) {
    this.approve = button(
      trans.__('Approve'),
      'jr-button jr-primary',
      () => void this.onApprove()
    );
    this.change = button(
      trans.__('Change'),
      'jr-button',
      () => void this.onChange()
    );
    this.wish.placeholder = trans.__('or say in a sentence what to change');
    this.wish.setAttribute(
      'aria-label',
      trans.__('What to change, in a sentence')
    );
    this.wish.addEventListener('input', () => this.allow());
    this.wish.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.isComposing) {
        event.preventDefault();
        void this.onChange();
      }
    });
    this.node.setAttribute('aria-label', trans.__('Approval'));
    this.node.append(
      this.question,
      this.stale,
      this.place,
      this.problem,
      this.estimate,
      this.decide
    );
    this.decide.append(
      this.approve,
      el('span', { class: 'jr-wish' }, this.wish, this.change)
    );
    this.allow();
    wear('approval', css);
  }

  /** Draw the proposal; where nothing can be commanded it can only be read. */
  update(model: CardModel, able: boolean): void {
    const { snapshot } = model;
    const waits = snapshot.state === 'awaiting_approval';
    show(this.node, waits);
    show(this.decide, able);
    if (!waits) {
      // Somebody else's change leads through planning back to a newer proposal.
      const changes = snapshot.state === 'planning' || snapshot.state === 'queued';
      this.overtaken = changes && (this.overtaken || (this.isDirty && !this.sent));
      this.clear();
      return;
    }
    setText(this.question, snapshot.question ?? this.trans.__('Approve this?'));
    const estimate = estimateOf(model);
    setText(this.estimate, estimate);
    show(this.estimate, estimate !== '');
    const key = `${snapshot.session_id} ${snapshot.version}`;
    if (key !== this.key) {
      this.load(snapshot, key);
    }
  }

  private load(snapshot: Snapshot, key: string): void {
    show(this.stale, this.overtaken || this.isDirty);
    this.overtaken = false;
    this.sent = false;
    setText(
      this.stale,
      this.trans.__('The proposal has changed since: this is the newest.')
    );
    this.key = key;
    this.version = snapshot.version;
    this.editor = editorFor(snapshot.proposal, this.trans);
    this.place.replaceChildren(this.editor.node);
    this.complain('');
  }

  private clear(): void {
    this.key = '';
    this.editor = null;
    this.place.replaceChildren();
    this.wish.value = '';
    this.allow();
    show(this.stale, false);
    this.complain('');
  }

  private async onApprove(): Promise<void> {
    const read = this.editor?.read();
    if (!this.editor || !read) {
      return;
    }
    if ('problem' in read) {
      return this.complain(read.problem);
    }
    this.complain('');
    const body = this.editor.dirty ? { proposal: read.proposal } : {};
    await this.send('approve', { version: this.version, ...body });
  }

  private async onChange(): Promise<void> {
    const feedback = this.wish.value.trim();
    if (feedback) {
      const body: JsonObject = { version: this.version, feedback };
      await this.send('modify', body);
    } else {
      this.wish.focus();
    }
  }

  private async send(action: 'approve' | 'modify', body: JsonObject): Promise<void> {
    this.sent = true;
    this.sent = await this.commands.send(action, body);
  }

  private get isDirty(): boolean {
    return this.editor?.dirty === true;
  }

  private allow(): void {
    setAttributes(this.change, { 'data-empty': !this.wish.value.trim() });
  }

  private complain(sentence: string): void {
    setText(this.problem, sentence);
    show(this.problem, sentence !== '');
  }

  private key = '';
  private version = 0;
  /** Whether edits were lost to somebody else's change. */
  private overtaken = false;
  /** Whether the decision that is under way is ours. */
  private sent = false;
  private editor: Editor | null = null;
  private readonly question = el('p', { class: 'jr-question' });
  private readonly stale = el('p', {
    class: 'jr-hint',
    role: 'status',
    hidden: true
  });
  private readonly place = el('div');
  private readonly estimate = el('p', { class: 'jr-estimate', hidden: true });
  private readonly decide = el('div', { class: 'jr-decide' });
  private readonly problem = el('p', {
    class: 'jr-refusal',
    role: 'alert',
    hidden: true
  });
  private readonly wish = el('input', { type: 'text', class: 'jr-field' });
  private readonly approve: HTMLButtonElement;
  private readonly change: HTMLButtonElement;
}

function editorFor(proposal: unknown, trans: Words): Editor {
  const team =
    isObject(proposal) &&
    Array.isArray(proposal.analysts) &&
    proposal.analysts.every(isObject);
  return team
    ? new TeamEditor(proposal as JsonObject, trans)
    : new JsonEditor(proposal, trans);
}

/** Edit any JSON as text. */
class JsonEditor implements Editor {
  readonly node: HTMLTextAreaElement;

  constructor(
    proposal: unknown,
    private readonly trans: Words
  ) {
    const text = JSON.stringify(proposal, null, 2) ?? 'null';
    this.given = text;
    this.node = el('textarea', {
      class: 'jr-field jr-json',
      spellcheck: 'false',
      rows: Math.min(16, text.split('\n').length + 1)
    });
    this.node.setAttribute('aria-label', trans.__('Proposal, as JSON'));
    this.node.value = text;
  }

  get dirty(): boolean {
    return this.node.value !== this.given;
  }

  read(): { proposal: unknown } | { problem: string } {
    try {
      return { proposal: JSON.parse(this.node.value) as unknown };
    } catch (error) {
      return {
        problem: this.trans.__('This is no JSON: %1', (error as Error).message)
      };
    }
  }

  private readonly given: string;
}
