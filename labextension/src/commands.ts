/** The commands, in the palette and for the panel. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { icon } from './icon';
import { Shared } from './mime';
import { insertCells, notebookIn, sessionCell } from './place';
import { reveal } from './tabs';

export const OPEN = 'jupyter-research:open';
export const NEW = 'jupyter-research:new';
export const INSERT = 'jupyter-research:insert';
export const INSERT_REPORT = 'jupyter-research:insert-report';

/** What the commands do with the side panel. */
export interface PanelDoor {
  /** Bring the panel to the front; with `fresh`, at the form for a new session. */
  show(fresh: boolean): void;
}

/** Put the commands into the application and the palette. */
export function addCommands(
  app: JupyterFrontEnd,
  shared: Shared,
  panel: PanelDoor,
  palette: ICommandPalette | null
): void {
  const { trans, client } = shared;
  const { commands, shell } = app;
  const refused = (error: Error): void => void Notification.error(error.message);
  const inFront = (): ReturnType<typeof notebookIn> => notebookIn(shell.currentWidget);

  commands.addCommand(OPEN, {
    label: ({ id }) =>
      id ? trans.__('Open the session') : trans.__('Show research sessions'),
    icon,
    execute: async ({ id }) => {
      if (typeof id === 'string') {
        reveal(app, shared, await client.get(id));
      } else {
        panel.show(false);
      }
    }
  });
  commands.addCommand(NEW, {
    label: trans.__('New research session'),
    icon,
    execute: () => panel.show(true)
  });
  commands.addCommand(INSERT, {
    label: trans.__('Insert the session into the notebook'),
    icon,
    isEnabled: () => inFront() !== null,
    execute: async ({ id }) => {
      const notebook = inFront();
      if (notebook && typeof id === 'string') {
        await client
          .output(id)
          .then(data => insertCells(notebook, [sessionCell(id, data)]))
          .catch(refused);
      }
    }
  });
  commands.addCommand(INSERT_REPORT, {
    label: trans.__('Insert the report below, as Markdown cells'),
    icon,
    isEnabled: () => reportIn(shell.currentWidget?.node) !== null,
    execute: async () => {
      const notebook = inFront();
      const { sessionId: id, state } = reportIn(shell.currentWidget?.node)?.dataset ?? {};
      if (notebook && id) {
        await client
          .cells(id, state === 'cancelled')
          .then(cells => insertCells(notebook, cells))
          .catch(refused);
      }
    }
  });
  for (const command of [OPEN, NEW, INSERT_REPORT]) {
    palette?.addItem({ command, category: trans.__('Research') });
  }
}

/** Find the card of the report in the selected cell, else that of the last report. */
function reportIn(node: HTMLElement | undefined): HTMLElement | null {
  const reports = '.jr-session:has(.jr-report)';
  return (
    node?.querySelector<HTMLElement>(`.jp-mod-selected ${reports}`) ??
    Array.from(node?.querySelectorAll<HTMLElement>(reports) ?? []).pop() ??
    null
  );
}
