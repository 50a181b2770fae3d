/** The buttons of a session: pause, resume, cancel, and what became of pressing them. */
import { button, el, Part, setText, show } from './dom';
import { Action, Host } from './host';
import { isFinished, isWorking, JsonObject, Snapshot } from './types';
import { Words } from './words';

/** Who does not answer within these milliseconds has not confirmed. */
const CONFIRM_MS = 6000;

/** Send commands one at a time and say what the server answered. */
export class Commands {
  /** The server's sentence when it refused. */
  readonly refusal = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });

  constructor(
    private readonly host: Pick<Host, 'command'>,
    private readonly root: HTMLElement
  ) {}

  async send(action: Action, body?: JsonObject): Promise<boolean> {
    if (this.root.hasAttribute('aria-busy')) {
      return false;
    }
    this.root.setAttribute('aria-busy', 'true');
    this.say('');
    try {
      await this.host.command?.(action, body);
      return true;
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      this.root.removeAttribute('aria-busy');
    }
  }

  say(sentence: string): void {
    setText(this.refusal, sentence);
    show(this.refusal, sentence !== '');
  }
}

/** Tell whether a resume would find something to do. */
export function canResume({ state, analysts }: Snapshot): boolean {
  return (
    state === 'paused' ||
    state === 'interrupted' ||
    state === 'failed' ||
    (state === 'completed' &&
      analysts.some(analyst => analyst.state === 'failed'))
  );
}

/** Draw the buttons that the state allows. */
export class Actions implements Part<Snapshot> {
  readonly node: HTMLElement;

  constructor(
    private readonly commands: Commands,
    trans: Words
  ) {
    this.pause = button(trans.__('Pause'), 'jr-button', () =>
      commands.send('pause')
    );
    this.resume = button(trans.__('Resume'), 'jr-button', () =>
      commands.send('resume')
    );
    this.cancel = button(trans.__('Cancel'), 'jr-button', () => this.ask());
    this.yes = button(trans.__('Yes, cancel'), 'jr-button jr-danger', () =>
      this.confirmed()
    );
    this.no = button(trans.__('Keep'), 'jr-button', () => this.unask());
    this.question = el(
      'span',
      { class: 'jr-confirm', role: 'group', hidden: true },
      el('span', {}, trans.__('Cancel this session?')),
      this.yes,
      this.no
    );
    this.question.setAttribute('aria-label', trans.__('Cancel this session?'));
    this.question.style.setProperty('--jr-confirm-ms', `${CONFIRM_MS}ms`);
    this.question.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.unask();
      }
    });
    this.node = el(
      'div',
      { class: 'jr-actions' },
      this.pause,
      this.resume,
      this.cancel,
      this.question
    );
  }

  update(snapshot: Snapshot): void {
    const focused = this.node.contains(document.activeElement);
    const mayCancel = !isFinished(snapshot.state);
    if (!mayCancel) {
      this.stopAsking();
    }
    const asking = this.timer !== null;
    show(this.pause, !asking && isWorking(snapshot.state));
    show(this.resume, !asking && canResume(snapshot));
    show(this.cancel, !asking && mayCancel);
    show(this.question, asking);
    this.snapshot = snapshot;
    // Pause turns into Resume under the finger: the focus stays with the pair.
    const now = document.activeElement as HTMLElement;
    if (focused && (!this.node.contains(now) || now.hidden)) {
      this.node.querySelector<HTMLElement>('button:not([hidden])')?.focus();
    }
  }

  dispose(): void {
    this.stopAsking();
  }

  private ask(): void {
    this.timer = window.setTimeout(() => this.unask(), CONFIRM_MS);
    this.asked = performance.now();
    this.redraw();
    this.yes.focus();
  }

  private confirmed(): void {
    // The second half of a double click on Cancel confirms nothing.
    if (performance.now() - this.asked > 350) {
      this.stopAsking();
      this.redraw();
      void this.commands.send('cancel');
    }
  }

  private unask(): void {
    const focused = this.question.contains(document.activeElement);
    this.stopAsking();
    this.redraw();
    if (focused) {
      this.cancel.focus();
    }
  }

  private stopAsking(): void {
    if (this.timer !== null) {
      window.clearTimeout(this.timer);
      this.timer = null;
    }
  }

  private redraw(): void {
    if (this.snapshot) {
      this.update(this.snapshot);
    }
  }

  private snapshot: Snapshot | null = null;
  private timer: number | null = null;
  private asked = 0;
  private readonly pause: HTMLButtonElement;
  private readonly resume: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly yes: HTMLButtonElement;
  private readonly no: HTMLButtonElement;
  private readonly question: HTMLElement;
}

