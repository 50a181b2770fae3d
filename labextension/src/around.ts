/** Around the cell: the side panel, drawn by code that is loaded when somebody opens it. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import { INSERT, PanelDoor } from './commands';
import { el } from './dom';
import { icon } from './icon';
import { Shared } from './mime';
import type { SessionsPanel } from './panel';
import { notebookIn } from './place';
import type { Sessions } from './sessions';

const PANEL_ID = 'jupyter-research-sessions';

/** Asks somebody for files; absent where the application has no browser of files. */
export type AskForFiles = () => Promise<readonly string[]>;

/** Put the panel at the left. */
export function addPanel(
  app: JupyterFrontEnd,
  shared: Shared,
  load: () => Promise<Sessions>,
  askForFiles?: AskForFiles
): PanelDoor {
  const { trans, client } = shared;
  const place = new Place(async () => {
    const [sessions, { SessionsPanel }, { reveal }] = await Promise.all([
      load(),
      import('./panel'),
      import('./tabs')
    ]);
    return new SessionsPanel(
      sessions,
      {
        open: snapshot => void reveal(app, shared, snapshot),
        insert: id => void app.commands.execute(INSERT, { id }),
        canInsert: () => notebookIn(app.shell.currentWidget) !== null,
        remove: async id => {
          await client.remove(id);
          await sessions.refresh();
        },
        command: async (id, action) => {
          await client.command(id, action);
          await sessions.refresh();
        },
        start: async body => {
          const snapshot = await client.start(body);
          await sessions.refresh();
          await reveal(app, shared, snapshot);
        },
        choices: async () => {
          const choices = await client.choices();
          shared.standing?.(choices.model);
          return choices;
        },
        askForFiles
      },
      trans
    );
  }, trans.__('The panel could not be loaded: load the page again.'));
  place.id = PANEL_ID;
  place.title.icon = icon;
  place.title.caption = trans.__('Research sessions');
  app.shell.add(place, 'left', { rank: 600 });
  return {
    show: fresh => {
      app.shell.activateById(PANEL_ID);
      void place.loaded().then(panel => fresh && panel?.askForTopic());
    }
  };
}

/** The place of the panel, empty until it is first shown. */
class Place extends Widget {
  constructor(
    private readonly load: () => Promise<SessionsPanel>,
    /** What to say when the server has another version by now, or is gone. */
    private readonly sorry: string
  ) {
    super();
    this.layout = new PanelLayout();
    this.addClass('jr-panel-place');
  }

  /** Give the panel; null where it could not be loaded. */
  loaded(): Promise<SessionsPanel | null> {
    this.panel ??= this.load().then(
      panel => {
        this.replace(panel);
        return panel;
      },
      () => {
        this.panel = null;
        this.replace(new Widget({ node: el('p', { class: 'jr-hint' }, this.sorry) }));
        return null;
      }
    );
    return this.panel;
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.loaded();
  }

  private replace(widget: Widget): void {
    const layout = this.layout as PanelLayout;
    [...layout.widgets].forEach(old => old.dispose());
    layout.addWidget(widget);
  }

  private panel: Promise<SessionsPanel | null> | null = null;
}
