/** The model for all of one's sessions: set in the settings, kept by the server, which `%research` asks too. */
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Client } from './client';

/** The name of the setting. */
const MODEL = 'model';

/** Somebody still types: half of a name is no model. */
const TYPING_MS = 1_200;

/** Keep setting and server in step; nothing is asked before somebody changes one of them. */
export class StandingModel {
  constructor(
    private readonly settings: ISettingRegistry.ISettings,
    private readonly client: Client,
    /** Say what became of the choice, or why the server refused it. */
    private readonly say: (choice: string | null, refusal: string | null) => void
  ) {
    this.known = this.chosen;
    settings.changed.connect(() => this.onChanged());
  }

  /** Show what the server keeps: `%research --save-defaults` may have changed it. */
  async show(model: string): Promise<void> {
    // What somebody has just chosen is newer than what the server said.
    if (this.timer || this.keeping) {
      return;
    }
    this.known = model;
    if (this.chosen !== model) {
      // Settings that cannot be written go on showing what they have.
      await this.settings.set(MODEL, model).catch(() => undefined);
    }
  }

  private onChanged(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
    if (this.chosen !== this.known) {
      this.timer = window.setTimeout(() => void this.keep(this.chosen), TYPING_MS);
    }
  }

  private async keep(model: string): Promise<void> {
    this.timer = 0;
    this.known = model;
    this.keeping = true;
    try {
      await this.client.keepModel(model);
      this.say(model, null);
    } catch (error) {
      this.say(null, (error as Error).message);
    } finally {
      this.keeping = false;
    }
  }

  private get chosen(): string {
    const { composite } = this.settings.get(MODEL);
    return typeof composite === 'string' ? composite.trim() : '';
  }

  /** What the server has, as far as we know. */
  private known: string;
  private timer = 0;
  private keeping = false;
}
