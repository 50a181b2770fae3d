/** The commands, in the palette and for the panel. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { icon } from './icon';
import { Shared } from './mime';
import { Notebook, notebookIn } from './place';

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
  const inFront = (): Notebook | null => notebookIn(shell.currentWidget);

  commands.addCommand(OPEN, {
    label: ({ id }) =>
      id ? trans.__('Open the session') : trans.__('Show research sessions'),
    icon,
    execute: ({ id }) => (typeof id === 'string' ? attempt(() => open(app, shared, id)) : panel.show(false))
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
    execute: ({ id }) =>
      attempt(async () => {
        const notebook = inFront();
        if (notebook && typeof id === 'string') {
          const [{ insertCells, sessionCell }, data] = await Promise.all([import('./cells'), client.output(id)]);
          insertCells(notebook, [sessionCell(id, data)]);
        }
      })
  });
  commands.addCommand(INSERT_REPORT, {
    label: trans.__('Insert the report below, as Markdown cells'),
    icon,
    isEnabled: () => inFront() !== null && reportIn(shell.currentWidget?.node) !== null,
    execute: () =>
      attempt(async () => {
        const notebook = inFront();
        const { sessionId: id, state } = reportIn(shell.currentWidget?.node)?.dataset ?? {};
        if (notebook && id) {
          const cells = client.cells(id, state === 'cancelled');
          const { insertCells } = await import('./cells');
          insertCells(notebook, await cells);
        }
      })
  });
  for (const command of [OPEN, NEW, INSERT_REPORT]) {
    palette?.addItem({ command, category: trans.__('Research') });
  }
}

async function open(app: JupyterFrontEnd, shared: Shared, id: string): Promise<void> {
  const [{ reveal }, snapshot] = await Promise.all([import('./tabs'), shared.client.get(id)]);
  await reveal(app, shared, snapshot);
}

/** Do it, and say why where it cannot be done. */
async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    // Without a time it would wait in the centre of notifications, unseen.
    Notification.error((error as Error).message, { autoClose: 10_000 });
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
