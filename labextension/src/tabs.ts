/** Where a session is shown: the cell that holds it, else a tab of its own. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { icon } from './icon';
import { rendererOf, Shared } from './mime';
import { Snapshot } from './types';

/** Bring a session into sight. */
export function reveal(app: JupyterFrontEnd, shared: Shared, snapshot: Snapshot): void {
  if (!showCard(app, snapshot.session_id)) {
    openTab(app, shared, snapshot);
  }
}

/** Bring its card to the front, where an open notebook or tab has one. */
function showCard(app: JupyterFrontEnd, id: string): boolean {
  for (const widget of app.shell.widgets('main')) {
    for (const card of widget.node.querySelectorAll<HTMLElement>('.jr-session')) {
      if (card.dataset.sessionId === id) {
        app.shell.activateById(widget.id);
        card.scrollIntoView({ block: 'nearest' });
        return true;
      }
    }
  }
  return false;
}

function openTab(app: JupyterFrontEnd, shared: Shared, snapshot: Snapshot): void {
  const tab = new MainAreaWidget({ content: rendererOf(shared, snapshot) });
  tab.id = `jupyter-research-${snapshot.session_id}`;
  tab.addClass('jr-tab');
  tab.title.label = snapshot.topic;
  tab.title.icon = icon;
  tab.title.closable = true;
  app.shell.add(tab, 'main');
  app.shell.activateById(tab.id);
}
