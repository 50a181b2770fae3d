/** The card: everything that one session shows, drawn from its model, never twice. */
import { Actions, Commands } from './actions';
import type { Approval } from './approval';
import { Bar, fraction } from './bar';
import { arrange, button, el, setAttributes, setText, show } from './dom';
import { Ending } from './ending';
import { Header } from './header';
import { CardModel, Host } from './host';
import { Lanes } from './lanes';
import { Sight } from './sight';
import { Trail } from './trail';
import { isFinished, isWorking } from './types';
import { Usage } from './usage';
import { Waiting } from './waiting';
import { PLAIN, stateWord, Words } from './words';

/** A card that nobody sees is drawn so seldom: whoever searches or prints the page finds it true. */
const UNSEEN_MS = 1000;

/** Draw one session into `node`, at most once a frame. */
export class SessionCard {
  readonly node: HTMLElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words = PLAIN
  ) {
    // JupyterLab's one-key shortcuts would take Enter and the letters from our buttons.
    this.node = el('section', {
      class: 'jr-root jr-session',
      'data-lm-suppress-shortcuts': 'true'
    });
    this.commands = new Commands(host, this.node);
    this.header = new Header(trans);
    this.actions = new Actions(this.commands, trans);
    this.lanes = new Lanes(trans);
    this.trail = new Trail(host, trans);
    this.ending = new Ending(host, trans);
    this.usage = new Usage(trans);
    this.startButton = button(
      trans.__('Start'),
      'jr-button jr-primary',
      () => void this.onStart()
    );
    this.retry = button(trans.__('Try again'), 'jr-button', () =>
      host.retry?.()
    );
    this.header.node.append(this.actions.node);
    this.noticeRow.append(this.notice, this.retry);
    arrange(this.node, [
      this.header.node,
      this.noticeRow,
      this.commands.refusal,
      this.startButton,
      this.ending.error,
      this.work,
      this.approvalPlace,
      this.lanes.node,
      this.ending.node,
      this.foot,
      this.live
    ]);
    this.work.append(this.bar.node, this.percent, this.message, this.waiting.node);
    this.foot.append(this.trail.node, this.usage.node);
    this.sight = new Sight(this.node, () => this.onSight());
  }

  /** Draw `model` at the next frame, of several in one frame only the last; later where nobody sees it. */
  update(model: CardModel): void {
    const before = this.model;
    this.model = model;
    if (before && before.link !== 'live' && model.link === 'live') {
      this.ending.again();
    }
    if (before === null) {
      this.draw();
    } else if (this.sight.near || isNews(before, model)) {
      this.schedule();
    } else {
      this.later ||= window.setTimeout(() => this.schedule(), UNSEEN_MS);
    }
  }

  dispose(): void {
    this.disposed = true;
    this.sight.dispose();
    window.clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    this.header.dispose();
    this.actions.dispose();
    this.ending.dispose();
    this.waiting.dispose();
    this.node.remove();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Nothing moves where nobody sees it, and what waited to be drawn is drawn when somebody does. */
  private onSight(): void {
    setAttributes(this.node, { 'data-unseen': !this.sight.near });
    if (this.sight.near && this.later) {
      this.schedule();
    }
  }

  private draw(): void {
    this.frame = 0;
    window.clearTimeout(this.later);
    this.later = 0;
    const model = this.model;
    if (!model) {
      return;
    }
    const { snapshot, start } = model;
    setAttributes(this.node, {
      'data-session-id': snapshot.session_id,
      'data-state': start ? 'new' : snapshot.state,
      'data-seq': snapshot.last_seq,
      'data-link': model.link,
      'aria-label': this.trans.__('Research session: %1', snapshot.topic)
    });
    this.header.update(model);
    this.drawNotice(model);
    show(this.startButton, start !== null);
    const able =
      this.host.command !== undefined &&
      model.link !== 'stopped' &&
      model.link !== 'elsewhere' &&
      model.link !== 'gone';
    show(this.actions.node, start === null && able);
    this.actions.update(snapshot);
    this.waiting.update(model);
    this.drawWork(model);
    this.drawApproval(model, able);
    this.lanes.update(model);
    show(
      this.lanes.node,
      snapshot.analysts.length > 0 &&
        snapshot.state !== 'awaiting_approval' &&
        snapshot.state !== 'completed'
    );
    this.ending.update(snapshot);
    this.trail.update(model);
    this.usage.update(snapshot);
    show(this.foot, start === null);
    this.announce(start ? '' : stateWord(this.trans, snapshot.state));
  }

  /** The form is loaded when a session first waits. */
  private drawApproval(model: CardModel, able: boolean): void {
    const { state, approve } = model.snapshot;
    // Already while the team is made up, so that its form stands there at once.
    const soon = state === 'planning' && approve !== 'auto';
    if ((state === 'awaiting_approval' || soon) && !this.approvalAsked) {
      this.approvalAsked = true;
      void this.loadApproval();
    }
    this.approval?.update(model, able);
  }

  private async loadApproval(): Promise<void> {
    const loaded = await import('./approval').catch(() => null);
    if (!loaded) {
      // The server has another version by now, or is gone.
      return this.commands.say(this.trans.__('The form could not be loaded: load the page again.'));
    }
    this.approval = new loaded.Approval(this.commands, this.trans);
    this.approvalPlace.append(this.approval.node);
    if (!this.disposed) {
      this.draw();
    }
  }

  private drawNotice({ notice, link }: CardModel): void {
    setText(this.notice, notice ?? '');
    show(this.retry, link === 'stopped' && this.host.retry !== undefined);
    show(this.noticeRow, notice !== null);
  }

  private drawWork({ snapshot, start, link }: CardModel): void {
    const { state, done, total } = snapshot;
    const active = isWorking(state) && link === 'live';
    this.bar.update({ label: this.trans.__('Progress'), done, total, active });
    const part = fraction(done, total);
    const waits = state === 'queued' && part === null;
    show(this.bar.node, !waits);
    setText(this.percent, part === null ? '' : `${Math.floor(part * 100)} %`);
    show(this.percent, part !== null);
    // The lanes say it better.
    const inLanes = snapshot.analysts.some(one => one.state === 'working');
    const message =
      state === 'queued'
        ? this.trans.__('Waits until another session is done.')
        : snapshot.message ?? '';
    setText(this.message, message);
    show(this.message, !inLanes && message !== '' && message !== this.waiting.sentence);
    show(
      this.work,
      start === null && !isFinished(state) && state !== 'awaiting_approval'
    );
  }

  /** Tell screen readers of states only; steps would never stop talking. */
  private announce(state: string): void {
    if (this.said === null) {
      this.said = state;
    } else if (state !== this.said) {
      this.said = state;
      setText(this.live, state);
    }
  }

  private async onStart(): Promise<void> {
    const body = this.model?.start;
    if (body) {
      await this.commands.send('start', body);
    }
  }

  private model: CardModel | null = null;
  private frame = 0;
  private later = 0;
  private readonly sight: Sight;
  private disposed = false;
  private said: string | null = null;
  private readonly commands: Commands;
  private readonly header: Header;
  private readonly actions: Actions;
  private approval: Approval | null = null;
  private approvalAsked = false;
  private readonly approvalPlace = el('div');
  private readonly lanes: Lanes;
  private readonly trail: Trail;
  private readonly ending: Ending;
  private readonly usage: Usage;
  private readonly startButton: HTMLButtonElement;
  private readonly retry: HTMLButtonElement;
  private readonly bar = new Bar();
  private readonly waiting = new Waiting();
  private readonly percent = el('span', {
    class: 'jr-percent',
    'aria-hidden': 'true'
  });
  private readonly message = el('p', { class: 'jr-message' });
  private readonly work = el('div', { class: 'jr-work' });
  private readonly foot = el('footer', { class: 'jr-foot' });
  private readonly notice = el('span');
  private readonly noticeRow = el('p', { class: 'jr-notice', hidden: true });
  private readonly live = el('span', {
    class: 'jr-live',
    role: 'status',
    'aria-live': 'polite'
  });
}

/** Tell what is announced, whoever looks, from a step on the way. */
function isNews(before: CardModel, after: CardModel): boolean {
  return (
    before.snapshot.state !== after.snapshot.state ||
    before.link !== after.link ||
    before.notice !== after.notice ||
    before.start !== after.start
  );
}
