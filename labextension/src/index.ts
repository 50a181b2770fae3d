/** The plugins. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { addPanel } from './around';
import { Client } from './client';
import { addCommands, OPEN } from './commands';
import { rendererFactory, Shared } from './mime';
import { addRunning } from './running';
import type { Sessions } from './sessions';
import { SessionSocket } from './socket';
import { StandingModel } from './standing';
import { Snapshot } from './types';
import { Words } from './words';
import css from '../lib/base.style.js';
import { wear } from './wear';

const RENDERER = 'jupyter-research-lab:renderer';

/** What the plugins share: one client and one socket for the page. */
const IResearch = new Token<Shared>(
  'jupyter-research-lab:IResearch',
  'Follows and commands research sessions.'
);

const renderer: JupyterFrontEndPlugin<Shared> = {
  id: RENDERER,
  description: 'Draws research sessions in the output of cells.',
  autoStart: true,
  provides: IResearch,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ) => {
    wear('base', css);
    const { serverSettings } = app.serviceManager;
    const trans = (translator ?? nullTranslator).load('jupyter_research');
    const client = new Client(serverSettings, trans);
    const loaded = settingsOf(settings);
    const shared = {
      client,
      socket: new SessionSocket(serverSettings),
      trans,
      markdown: (text: string) => drawMarkdown(registry, text),
      saveOnDisplay: saveOnDisplay(loaded),
      standing: standing(loaded, client, trans),
      ready: announce(app, trans)
    };
    registry.addFactory(rendererFactory(shared), -20);
    return shared;
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-research-lab:panel',
  description: 'Lists research sessions beside the notebook.',
  autoStart: true,
  requires: [IResearch],
  optional: [ICommandPalette, IRunningSessionManagers, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    shared: Shared,
    palette: ICommandPalette | null,
    running: IRunningSessionManagers | null,
    documents: IDocumentManager | null
  ) => {
    const sessions = whenWanted(shared);
    const door = addPanel(
      app,
      shared,
      sessions,
      documents ? () => askForFiles(documents, shared.trans) : undefined
    );
    addCommands(app, shared, door, palette);
    if (running) {
      addRunning(app, shared, sessions, running);
    }
  }
};

/** Make the list of sessions when somebody first looks at it. */
function whenWanted({ client, socket }: Shared): () => Promise<Sessions> {
  let made: Promise<Sessions> | null = null;
  const make = async (): Promise<Sessions> => new (await import('./sessions')).Sessions(client, socket);
  return () => {
    made ??= make().catch(error => {
      made = null;
      throw error;
    });
    return made;
  };
}

/** Draw Markdown by JupyterLab's own renderer, which sanitises it. */
function drawMarkdown(registry: IRenderMimeRegistry, text: string): HTMLElement {
  const model = registry.createModel({ data: { 'text/markdown': text } });
  const drawn = registry.createRenderer('text/markdown');
  void drawn.renderModel(model);
  return drawn.node;
}

/** Ask for files in JupyterLab's own dialog; give their paths on this server. */
async function askForFiles(manager: IDocumentManager, trans: Words): Promise<readonly string[]> {
  const title = trans.__('Sources of the session');
  const { value } = await FileDialog.getOpenFiles({ manager, title });
  return (value ?? []).map(({ path }) => manager.services.contents.localPath(path));
}

/** Load what the person has set; null where the application has no settings, or none of ours. */
async function settingsOf(registry: ISettingRegistry | null): Promise<ISettingRegistry.ISettings | null> {
  return registry?.load(RENDERER).catch(() => null) ?? null;
}

/** Tell whether to save at the first display; on, unless it is switched off. */
function saveOnDisplay(loaded: Promise<ISettingRegistry.ISettings | null>): () => boolean {
  let settings: ISettingRegistry.ISettings | null = null;
  void loaded.then(found => (settings = found));
  return () => settings?.get('saveOnDisplay').composite !== false;
}

/** Let the model for all sessions be chosen in the settings; give what shows there what the server keeps. */
function standing(
  loaded: Promise<ISettingRegistry.ISettings | null>,
  client: Client,
  trans: Words
): (model: string) => void {
  const say = (model: string | null, refusal: string | null): void => {
    if (refusal !== null) {
      Notification.error(trans.__('Your model for research stays as it was: %1', refusal), { autoClose: 10_000 });
    } else {
      const name = model || trans.__('as the server has it');
      Notification.success(trans.__('Your model for research: %1', name), { autoClose: 4_000 });
    }
  };
  const kept = loaded.then(settings => settings && new StandingModel(settings, client, say));
  return model => void kept.then(found => found?.show(model));
}

/** Tell once for each stretch of work that its report is there, however many cards show it. */
function announce(app: JupyterFrontEnd, trans: Words): (snapshot: Snapshot) => void {
  const told = new Set<string>();
  return ({ session_id: id, attempt, topic }) => {
    const key = `${id} ${attempt}`;
    if (told.has(key)) {
      return;
    }
    told.add(key);
    const open = { label: trans.__('Open'), callback: () => void app.commands.execute(OPEN, { id }) };
    Notification.success(trans.__('Your report is ready: %1', topic), {
      actions: app.commands.hasCommand(OPEN) ? [open] : [],
      autoClose: false
    });
  };
}

/** A server on which research is switched off says so in its pages: then nothing is added to them. */
const off = PageConfig.getOption('jupyterResearch') === 'off';
const plugins: JupyterFrontEndPlugin<unknown>[] = off ? [] : [renderer, panel];
export default plugins;
