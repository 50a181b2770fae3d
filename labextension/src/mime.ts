/** The renderer: draws a saved session at once, joins it on the server, and goes live. */
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { Client } from './client';
import { Feed } from './feed';
import { Action, CardModel, Host } from './host';
import { Keeper } from './keeper';
import { notebookOf } from './place';
import { save } from './download';
import { MIME_TYPE, readSaved, Saved } from './saved';
import { SessionSocket } from './socket';
import { isFinished, JsonObject, Report, SessionEvent, Snapshot } from './types';
import { SessionCard } from './view';
import { linkSentence, Words } from './words';

/** What the renderers of a page share. */
export interface Shared {
  readonly client: Client;
  readonly socket: SessionSocket;
  readonly trans: Words;
  /** Draw Markdown, sanitised. */
  readonly markdown: (text: string) => HTMLElement;
  /** Tell somebody who looks elsewhere that the report is there. */
  readonly ready: (snapshot: Snapshot) => void;
  /** Whether to save the notebook when a session appears in it. */
  readonly saveOnDisplay: () => boolean;
  /** Show in the settings which model the server keeps for all of one's sessions. */
  readonly standing?: (model: string) => void;
}

/** Make the factory; `safe`, since it only subscribes and writes text as text. */
export function rendererFactory(shared: Shared): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    // Before the view of widgets (-10), which shows an error when its kernel is gone.
    defaultRank: -20,
    createRenderer: () => new SessionRenderer(shared)
  };
}

/** Draw a session that stands in no notebook. */
export function rendererOf(shared: Shared, snapshot: Snapshot): SessionRenderer {
  const drawn = new SessionRenderer(shared);
  const data = { schema: 1, session_id: snapshot.session_id, snapshot };
  void drawn.renderModel({
    data: { [MIME_TYPE]: data as never },
    metadata: {},
    trusted: true,
    setData: () => undefined
  });
  return drawn;
}

/** Draw one output. */
export class SessionRenderer
  extends Widget
  implements IRenderMime.IRenderer, Host
{
  constructor(private readonly shared: Shared) {
    super();
    this.addClass('jr-output');
    this.keeper = new Keeper(this, shared.client, () => ({
      model: this.mimeModel,
      snapshot: this.saved?.snapshot ?? null
    }));
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.mimeModel = model;
    const saved = readSaved(model.data[MIME_TYPE]);
    if (!saved) {
      this.node.textContent = this.shared.trans.__(
        'This session was saved by another version of jupyter_research.'
      );
      return;
    }
    const first = this.saved === null;
    this.saved = saved;
    if (first && !saved.start) {
      // After the cell has taken the output in.
      window.setTimeout(() => {
        if (this.shared.saveOnDisplay()) {
          void this.keeper.saveFirst(saved.asOf);
        }
      }, 300);
    }
    if (saved.start || saved.inKernel) {
      this.unfollow();
    } else {
      this.follow(saved.snapshot, saved.asOf);
    }
    this.draw();
  }

  async command(action: Action, body?: JsonObject): Promise<void> {
    const { client } = this.shared;
    if (action === 'start') {
      this.adopt(await client.start(body ?? {}));
      return;
    }
    const snapshot = await client.command(this.sessionId, action, body);
    this.feed?.offer(snapshot, new Date().toISOString());
  }

  report(partial?: boolean): Promise<Report> {
    return this.shared.client.report(this.sessionId, partial);
  }

  events(after: number, limit: number): Promise<readonly SessionEvent[]> {
    return this.shared.client.events(this.sessionId, after, limit);
  }

  source(id: string): Promise<{ readonly text: string }> {
    return this.shared.client.source(this.sessionId, id);
  }

  async download(format: string, partial?: boolean): Promise<void> {
    const { blob, name } = await this.shared.client.file(this.sessionId, format, partial);
    save(blob, name, this.node);
  }

  ask(question: string): Promise<Report> {
    return this.shared.client.ask(this.sessionId, question);
  }

  get canInsert(): boolean {
    return notebookOf(this) !== null;
  }

  async insert(partial?: boolean): Promise<void> {
    const [{ insertBelow }, cells] = await Promise.all([
      import('./cells'),
      this.shared.client.cells(this.sessionId, partial)
    ]);
    insertBelow(this, cells, this.shared.trans);
  }

  retry(): void {
    this.shared.socket.retry();
  }

  markdown(text: string): HTMLElement {
    return this.shared.markdown(text);
  }

  savedReport(): string | null {
    const text = this.mimeModel?.data['text/markdown'];
    return typeof text === 'string' ? text : null;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.keeper.dispose();
      this.unfollow();
      this.card?.dispose();
      super.dispose();
    }
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.draw();
  }

  private get sessionId(): string {
    return this.saved?.snapshot.session_id ?? '';
  }

  /** Show the session that the Start button made, and keep it in the notebook. */
  private adopt(snapshot: Snapshot): void {
    const asOf = new Date().toISOString();
    this.saved = { snapshot, asOf, inKernel: false, start: null };
    this.follow(snapshot, asOf);
    this.draw();
    void this.keeper.keep();
  }

  private follow(snapshot: Snapshot, asOf: string | null): void {
    if (this.feed?.sessionId === snapshot.session_id) {
      this.feed.offer(snapshot, asOf);
      return;
    }
    this.unfollow();
    this.feed = this.shared.socket.follow(snapshot, asOf);
    this.feed.changed.connect(this.draw, this);
  }

  private unfollow(): void {
    if (this.feed) {
      this.feed.changed.disconnect(this.draw, this);
      this.shared.socket.release(this.feed);
      this.feed = null;
    }
  }

  private draw(): void {
    if (this.saved) {
      if (!this.card) {
        this.card = new SessionCard(this, this.shared.trans);
        this.node.replaceChildren(this.card.node);
      }
      this.card.update(this.cardModel(this.saved));
      if (this.feed?.link === 'live') {
        this.keeper.keepEnd(this.feed.snapshot);
      }
      this.tellEnd();
    }
  }

  /** Say that the report is there, if it came while nobody could see the card. */
  private tellEnd(): void {
    const { feed } = this;
    if (feed?.link !== 'live') {
      return;
    }
    const { state } = feed.snapshot;
    const came = this.worked && state === 'completed';
    this.worked = !isFinished(state);
    if (came && !isSeen(feed.sessionId)) {
      this.shared.ready(feed.snapshot);
    }
  }

  private cardModel(saved: Saved): CardModel {
    const { feed } = this;
    return {
      snapshot: feed?.snapshot ?? saved.snapshot,
      link: feed?.link ?? (saved.start ? 'live' : 'gone'),
      asOf: feed ? feed.asOf : saved.asOf,
      notice: this.notice(saved, feed),
      events: feed?.events ?? [],
      start: saved.start
    };
  }

  private notice(saved: Saved, feed: Feed | null): string | null {
    const { trans } = this.shared;
    return saved.inKernel
      ? trans.__('Runs in the kernel; restarting it interrupts it.')
      : feed && linkSentence(trans, feed.link);
  }

  private readonly keeper: Keeper;
  private worked = false;
  private mimeModel: IRenderMime.IMimeModel | null = null;
  private saved: Saved | null = null;
  private feed: Feed | null = null;
  private card: SessionCard | null = null;
}

/** Tell whether somebody has a card of this session before them: there may be several. */
function isSeen(id: string): boolean {
  return (
    !document.hidden &&
    [...document.querySelectorAll<HTMLElement>(`.jr-session[data-session-id="${id}"]`)].some(card => {
      const { top, bottom } = card.getBoundingClientRect();
      return card.offsetParent !== null && bottom > 0 && top < window.innerHeight;
    })
  );
}
