/** What the file of a notebook keeps of a session: its first display, and its end. */
import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { Client } from './client';
import { documentOf, notebookOf, rewrite } from './place';
import { isFinished, Snapshot } from './types';

/** The kernel gets this long to write the end of a session into the notebook. */
const KERNEL_MS = 5_000;

/** An output of this age has just come from the kernel, clocks that differ a little included. */
const NEW_MS = 60_000;

/** Keep one output true in the file; once disposed, leave it as it is. */
export class Keeper {
  constructor(
    private readonly widget: Widget,
    private readonly client: Client,
    /** Give the output that the widget draws now, and the state that the file has of it. */
    private readonly saved: () => {
      readonly model: IRenderMime.IMimeModel | null;
      readonly snapshot: Snapshot | null;
    }
  ) {}

  /** Save what was displayed just now: a reload before the first save would lose it. */
  async saveFirst(asOf: string | null): Promise<void> {
    const age = Math.abs(Date.now() - Date.parse(asOf ?? ''));
    const document = documentOf(this.widget);
    if (age < NEW_MS && document?.model.dirty && !document.model.readOnly) {
      await document.save().catch(() => undefined);
    }
  }

  /** Write the end once it is there: the kernel does it, and where it is gone, we do. */
  keepEnd(now: Snapshot): void {
    if (this.isNews(now) && !this.timer) {
      this.timer = window.setTimeout(() => {
        this.timer = 0;
        if (this.isNews(now)) {
          void this.keep();
        }
      }, KERNEL_MS);
    }
  }

  /** Write the session as a kernel does, for those who open the notebook without this server. */
  async keep(): Promise<void> {
    const id = this.saved().snapshot?.session_id;
    const data = id && (await this.client.output(id).catch(() => null));
    const { model, snapshot } = this.saved();
    if (data && model && snapshot?.session_id === id && !this.widget.isDisposed) {
      rewrite(this.widget, model, data);
    }
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  /** Tell whether this is an end that the notebook does not know. */
  private isNews({ state, last_seq }: Snapshot): boolean {
    const { snapshot } = this.saved();
    return (
      snapshot !== null &&
      isFinished(state) &&
      snapshot.last_seq < last_seq &&
      notebookOf(this.widget) !== null
    );
  }

  private timer = 0;
}
