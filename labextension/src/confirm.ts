/** A button that asks before it acts: who does not answer in time has not confirmed. */
import { button, el, show } from './dom';

/** Who does not answer within these milliseconds has not confirmed. */
const CONFIRM_MS = 6000;

/** What a confirmation says. */
export interface Asking {
  readonly name: string;
  readonly question: string;
  readonly yes: string;
  readonly no: string;
}

/** Hold a button and the question that takes its place. */
export class Confirm {
  readonly opener: HTMLButtonElement;
  readonly question: HTMLElement;

  constructor(
    { name, question, yes, no }: Asking,
    private readonly act: () => void,
    /** Draw anew, as it begins or ceases to ask. */
    private readonly redraw: () => void
  ) {
    this.opener = button(name, 'jr-button', () => this.ask());
    this.yes = button(yes, 'jr-button jr-danger', () => this.confirmed());
    this.question = el(
      'span',
      { class: 'jr-confirm', role: 'group', hidden: true, 'aria-label': question },
      el('span', {}, question),
      this.yes,
      button(no, 'jr-button', () => this.unask())
    );
    this.question.style.setProperty('--jr-confirm-ms', `${CONFIRM_MS}ms`);
    this.question.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.unask();
      }
    });
  }

  get asking(): boolean {
    return this.timer !== null;
  }

  /** Show the button where it may be pressed, or the question where it was. */
  update(allowed: boolean): void {
    if (!allowed) {
      this.stop();
    }
    show(this.opener, allowed && !this.asking);
    show(this.question, this.asking);
  }

  /** Cease to ask. */
  stop(): void {
    if (this.timer !== null) {
      window.clearTimeout(this.timer);
      this.timer = null;
    }
  }

  private ask(): void {
    this.timer = window.setTimeout(() => this.unask(), CONFIRM_MS);
    this.asked = performance.now();
    this.redraw();
    this.yes.focus();
  }

  private confirmed(): void {
    // The second half of a double click on the button confirms nothing.
    if (performance.now() - this.asked > 350) {
      this.stop();
      this.redraw();
      this.act();
    }
  }

  private unask(): void {
    const focused = this.question.contains(document.activeElement);
    this.stop();
    this.redraw();
    if (focused) {
      this.opener.focus();
    }
  }

  private timer: number | null = null;
  private asked = 0;
  private readonly yes: HTMLButtonElement;
}
