/** A further question, answered from what the session has read. */
import { button, el, setAttributes, setText, show } from './dom';
import { Host } from './host';
import { ReportView } from './report';
import { Words } from './words';

/** Ask under a report; answers stay below each other until the card goes. */
export class Further {
  readonly node: HTMLElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    const label = trans.__('Ask a further question of these sources');
    setAttributes(this.question, { placeholder: label, 'aria-label': label });
    const ask = button(trans.__('Ask'), 'jr-button', () => void this.ask());
    this.question.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.isComposing) {
        event.preventDefault();
        void this.ask();
      }
    });
    this.node = el(
      'div',
      { class: 'jr-further', hidden: true },
      this.answers,
      el('div', { class: 'jr-wish' }, this.question, ask),
      this.problem
    );
  }

  dispose(): void {
    this.drawn.forEach(answer => answer.dispose());
  }

  private async ask(): Promise<void> {
    const question = this.question.value.trim();
    if (!question || !this.host.ask || this.node.hasAttribute('aria-busy')) {
      return this.question.focus();
    }
    this.node.setAttribute('aria-busy', 'true');
    this.say('');
    try {
      const answer = new ReportView(await this.host.ask(question), this.host, this.trans);
      this.drawn.push(answer);
      this.answers.append(answer.node);
      this.question.value = '';
    } catch (error) {
      this.say((error as Error).message);
    } finally {
      this.node.removeAttribute('aria-busy');
    }
  }

  private say(sentence: string): void {
    setText(this.problem, sentence);
    show(this.problem, sentence !== '');
  }

  private readonly drawn: ReportView[] = [];
  private readonly answers = el('div', { 'aria-live': 'polite' });
  private readonly question = el('input', { type: 'text', class: 'jr-field' });
  private readonly problem = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });
}
