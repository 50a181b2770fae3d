/** Around the cell: the panel, the tabs it opens, the Running panel, and the palette. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { IRunningSessionManagers, IRunningSessions } from '@jupyterlab/running';
import { LabIcon } from '@jupyterlab/ui-components';
import { rendererOf, Shared } from './mime';
import { SessionsPanel } from './panel';
import { Sessions } from './sessions';
import { isFinished, Snapshot } from './types';

export const OPEN = 'jupyter-research:open';
const PANEL_ID = 'jupyter-research-sessions';

export const icon = new LabIcon({
  name: 'jupyter-research:sessions',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" style="fill:none" stroke="#616161" stroke-width="2" stroke-linecap="round"><circle cx="10" cy="10" r="6"/><path d="M14.5 14.5 20 20M8 10h4M10 8v4"/></g></svg>'
});

/** Put the panel and the command that opens a session into the application. */
export function addPanel(
  app: JupyterFrontEnd,
  shared: Shared,
  sessions: Sessions,
  palette: ICommandPalette | null
): void {
  const { trans, client } = shared;
  const open = (snapshot: Snapshot): void => {
    if (!showCard(snapshot.session_id)) {
      openTab(app, shared, snapshot);
    }
  };
  const panel = new SessionsPanel(
    sessions,
    {
      open,
      start: async body => {
        const snapshot = await client.start(body);
        await sessions.refresh();
        openTab(app, shared, snapshot);
      }
    },
    trans
  );
  panel.id = PANEL_ID;
  panel.title.icon = icon;
  panel.title.caption = trans.__('Research sessions');
  app.shell.add(panel, 'left', { rank: 600 });
  app.commands.addCommand(OPEN, {
    label: args =>
      args.id
        ? trans.__('Open the session')
        : trans.__('Show research sessions'),
    icon,
    execute: async args => {
      if (typeof args.id === 'string') {
        open(await client.get(args.id));
      } else {
        app.shell.activateById(PANEL_ID);
      }
    }
  });
  palette?.addItem({ command: OPEN, category: trans.__('Research') });
}

/** Show what works in the Running panel, with a button that cancels it. */
export function addRunning(
  app: JupyterFrontEnd,
  { trans, client }: Shared,
  sessions: Sessions,
  running: IRunningSessionManagers
): void {
  const item = ({
    session_id: id,
    topic
  }: Snapshot): IRunningSessions.IRunningItem => ({
    open: () => void app.commands.execute(OPEN, { id }),
    shutdown: () => void client.command(id, 'cancel').then(() => sessions.refresh()),
    icon: () => icon,
    label: () => topic
  });
  const unfinished = (): readonly Snapshot[] =>
    sessions.list.filter(one => !isFinished(one.state));
  running.add({
    name: trans.__('Research Sessions'),
    running: () => unfinished().map(item),
    shutdownAll: () =>
      unfinished().forEach(one => void client.command(one.session_id, 'cancel')),
    refreshRunning: () => void sessions.refresh(),
    runningChanged: sessions.changed,
    shutdownLabel: trans.__('Cancel'),
    shutdownAllLabel: trans.__('Cancel All'),
    shutdownAllConfirmationText: trans.__('Cancel all research sessions?')
  });
}

/** Bring the cell's card into sight, where a notebook in front has one. */
function showCard(id: string): boolean {
  for (const card of document.querySelectorAll<HTMLElement>('.jr-session')) {
    if (card.dataset.sessionId === id && card.offsetParent !== null) {
      card.scrollIntoView({ block: 'nearest' });
      return true;
    }
  }
  return false;
}

function openTab(
  app: JupyterFrontEnd,
  shared: Shared,
  snapshot: Snapshot
): void {
  const id = `jupyter-research-${snapshot.session_id}`;
  for (const widget of app.shell.widgets('main')) {
    if (widget.id === id) {
      return app.shell.activateById(id);
    }
  }
  const content = rendererOf(shared, snapshot);
  const tab = new MainAreaWidget({ content });
  tab.id = id;
  tab.addClass('jr-tab');
  tab.title.label = snapshot.topic;
  tab.title.icon = icon;
  tab.title.closable = true;
  app.shell.add(tab, 'main');
  app.shell.activateById(id);
}
