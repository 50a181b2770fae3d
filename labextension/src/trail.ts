/** The steps of a session in a fold: counted always, drawn when somebody asks. */
import { el, Part, setText } from './dom';
import { CardModel, Host } from './host';
import type { Steps } from './steps';
import { Words } from './words';

/** Draw the fold; what it holds is loaded when it is first opened, and drawn while it is open. */
export class Trail implements Part<CardModel> {
  readonly node: HTMLDetailsElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    this.node = el(
      'details',
      { class: 'jr-trail jr-fold' },
      el('summary', {}, this.count),
      this.place
    );
    this.node.addEventListener('toggle', () => void this.open());
  }

  update(model: CardModel): void {
    this.model = model;
    setText(this.count, this.trans._n('%1 step', '%1 steps', model.snapshot.last_seq));
    if (this.node.open) {
      this.steps?.update(model);
    }
  }

  private async open(): Promise<void> {
    const loaded = await import('./steps').catch(() => null);
    if (!loaded) {
      // The server has another version by now, or is gone.
      setText(this.place, this.trans.__('The steps could not be loaded: load the page again.'));
      return;
    }
    if (!this.steps) {
      this.steps = new loaded.Steps(this.host, this.trans);
      this.place.replaceChildren(this.steps.node);
    }
    if (this.model) {
      this.update(this.model);
    }
  }

  private model: CardModel | null = null;
  private steps: Steps | null = null;
  private readonly count = el('span', { class: 'jr-count' });
  private readonly place = el('div');
}
