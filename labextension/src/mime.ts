/** The renderer: draws a saved session at once, joins it on the server, and goes live. */
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { Client } from './client';
import { Feed } from './feed';
import { Action, CardModel, Host } from './host';
import { MIME_TYPE, readSaved, Saved } from './saved';
import { SessionSocket } from './socket';
import { JsonObject, Report, SessionEvent, Snapshot } from './types';
import { SessionCard } from './view';
import { clock, Words } from './words';

/** What the renderers of a page share. */
export interface Shared {
  readonly client: Client;
  readonly socket: SessionSocket;
  readonly trans: Words;
}

/** Make the factory; `safe`, since it only subscribes and writes text as text. */
export function rendererFactory(
  shared: Shared,
  savedReport: (model: IRenderMime.IMimeModel) => HTMLElement | null
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    // Before the view of widgets (-10), which shows an error when its kernel is gone.
    defaultRank: -20,
    createRenderer: () => new SessionRenderer(shared, savedReport)
  };
}

/** Draw one output. */
export class SessionRenderer
  extends Widget
  implements IRenderMime.IRenderer, Host
{
  constructor(
    private readonly shared: Shared,
    private readonly drawSaved: (
      model: IRenderMime.IMimeModel
    ) => HTMLElement | null
  ) {
    super();
    this.addClass('jr-output');
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
    this.saved = saved;
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
    const id = this.sessionId;
    this.feed?.offer(await client.command(id, action, body), null);
  }

  report(): Promise<Report> {
    return this.shared.client.report(this.sessionId);
  }

  events(after: number, limit: number): Promise<readonly SessionEvent[]> {
    return this.shared.client.events(this.sessionId, after, limit);
  }

  source(id: string): Promise<{ readonly text: string }> {
    return this.shared.client.source(this.sessionId, id);
  }

  async download(format: string): Promise<void> {
    const { blob, name } = await this.shared.client.file(this.sessionId, format);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  retry(): void {
    this.shared.socket.retry();
  }

  savedReport(): HTMLElement | null {
    return this.mimeModel ? this.drawSaved(this.mimeModel) : null;
  }

  dispose(): void {
    if (!this.isDisposed) {
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
    this.mimeModel?.setData({
      data: {
        ...this.mimeModel.data,
        [MIME_TYPE]: {
          schema: 1,
          session_id: snapshot.session_id,
          snapshot: snapshot as unknown as JsonObject,
          as_of: asOf,
          where: 'server'
        } as never
      }
    });
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
    if (saved.inKernel) {
      return trans.__('Runs in the kernel; restarting it interrupts it.');
    }
    const time = clock(feed?.asOf ?? null);
    switch (feed?.link) {
      case 'gone':
        return trans.__(
          'This server has no such session for you: it was deleted, or belongs to somebody else. This is how it stood, as of %1.',
          time
        );
      case 'stopped':
        return trans.__(
          'The server answers no longer. This is how the session stood as of %1; it may have gone on.',
          time
        );
      default:
        return null;
    }
  }

  private mimeModel: IRenderMime.IMimeModel | null = null;
  private saved: Saved | null = null;
  private feed: Feed | null = null;
  private card: SessionCard | null = null;
}
