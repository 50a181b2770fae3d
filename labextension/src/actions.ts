/** The buttons of a session: pause, resume, cancel, and what became of pressing them. */
import { Confirm } from './confirm';
import { button, el, Part, setText, show } from './dom';
import { Action, Host } from './host';
import { isFinished, isWorking, JsonObject, Snapshot } from './types';
import { Words } from './words';

/** Send commands one at a time and say what the server answered. */
export class Commands {
  /** The server's sentence when it refused. */
  readonly refusal = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });

  constructor(
    private readonly host: Pick<Host, 'command'>,
    private readonly root: HTMLElement
  ) {}

  send(action: Action, body?: JsonObject): Promise<boolean> {
    return this.perform(async () => this.host.command?.(action, body));
  }

  /** Do something, and tell whether the server has; nothing else can be pressed meanwhile. */
  async perform(work: () => Promise<void>): Promise<boolean> {
    if (this.root.hasAttribute('aria-busy')) {
      return false;
    }
    this.root.setAttribute('aria-busy', 'true');
    this.say('');
    try {
      await work();
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

  constructor(commands: Commands, trans: Words) {
    this.pause = button(trans.__('Pause'), 'jr-button', () =>
      commands.send('pause')
    );
    this.resume = button(trans.__('Resume'), 'jr-button', () =>
      commands.send('resume')
    );
    this.cancel = new Confirm(
      {
        name: trans.__('Cancel'),
        question: trans.__('Cancel this session?'),
        yes: trans.__('Yes, cancel'),
        no: trans.__('Keep')
      },
      () => void commands.send('cancel'),
      () => this.redraw()
    );
    this.node = el(
      'div',
      { class: 'jr-actions' },
      this.pause,
      this.resume,
      this.cancel.opener,
      this.cancel.question
    );
  }

  update(snapshot: Snapshot): void {
    const focused = this.node.contains(document.activeElement);
    this.cancel.update(!isFinished(snapshot.state));
    const { asking } = this.cancel;
    show(this.pause, !asking && isWorking(snapshot.state));
    show(this.resume, !asking && canResume(snapshot));
    this.snapshot = snapshot;
    // Pause turns into Resume under the finger: the focus stays with the pair.
    const now = document.activeElement as HTMLElement;
    if (focused && (!this.node.contains(now) || now.hidden)) {
      this.node.querySelector<HTMLElement>('button:not([hidden])')?.focus();
    }
  }

  dispose(): void {
    this.cancel.stop();
  }

  private redraw(): void {
    if (this.snapshot) {
      this.update(this.snapshot);
    }
  }

  private snapshot: Snapshot | null = null;
  private readonly pause: HTMLButtonElement;
  private readonly resume: HTMLButtonElement;
  private readonly cancel: Confirm;
}
