/** Where a session is shown: the cell that holds it, else a tab of its own. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { icon } from './icon';
import { rendererOf, Shared } from './mime';
import { cellOf, notebookIn } from './place';
import { Snapshot } from './types';

const TAB = 'jr-tab';

/** Bring a session into sight. */
export async function reveal(app: JupyterFrontEnd, shared: Shared, snapshot: Snapshot): Promise<void> {
  const id = tabId(snapshot);
  if (await showCell(app, snapshot.session_id)) {
    return;
  }
  if (!document.getElementById(id)) {
    openTab(app, shared, snapshot);
  }
  app.shell.activateById(id);
}

/** Bring the cell that shows a session to the front, where an open notebook has one. */
async function showCell({ shell }: JupyterFrontEnd, id: string): Promise<boolean> {
  for (const widget of shell.widgets('main')) {
    const notebook = notebookIn(widget);
    const index = notebook ? cellOf(notebook, id) : -1;
    if (notebook && index >= 0) {
      shell.activateById(widget.id);
      notebook.activeCellIndex = index;
      await notebook.scrollToItem?.(index, 'smart');
      const card = notebook.widgets[index].node.querySelector('.jr-session');
      card?.scrollIntoView({ block: 'nearest' });
      return true;
    }
  }
  return false;
}

function openTab({ shell }: JupyterFrontEnd, shared: Shared, snapshot: Snapshot): void {
  const tab = new MainAreaWidget({ content: rendererOf(shared, snapshot) });
  tab.id = tabId(snapshot);
  tab.addClass(TAB);
  tab.title.label = snapshot.topic;
  tab.title.caption = snapshot.topic;
  tab.title.icon = icon;
  tab.title.closable = true;
  shell.add(tab, 'main');
  if (tab.parent === null) {
    // Notebook 7 has one document a page: a session stands beside it, and takes the place of the one before.
    [...shell.widgets('right')].filter(one => one.hasClass(TAB)).forEach(one => one.dispose());
    shell.add(tab, 'right');
  }
}

function tabId({ session_id: id }: Snapshot): string {
  return `jupyter-research-${id}`;
}
