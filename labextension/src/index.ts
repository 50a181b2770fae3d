/** The plugins. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Client } from './client';
import { rendererFactory } from './mime';
import { SessionSocket } from './socket';

const PLUGIN_ID = 'jupyter-research-lab:renderer';

/** Draw Markdown by JupyterLab's own renderer, which sanitises it. */
function drawMarkdown(registry: IRenderMimeRegistry, text: string): HTMLElement {
  const model = registry.createModel({ data: { 'text/markdown': text } });
  const drawn = registry.createRenderer('text/markdown');
  void drawn.renderModel(model);
  return drawn.node;
}

const renderer: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Draws research sessions in the output of cells.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ) => {
    const { serverSettings } = app.serviceManager;
    let saves = true;
    void settings?.load(PLUGIN_ID).then(loaded => {
      const read = (): void => {
        saves = loaded.get('saveOnDisplay').composite !== false;
      };
      loaded.changed.connect(read);
      read();
    });
    const shared = {
      client: new Client(serverSettings),
      socket: new SessionSocket(serverSettings),
      trans: (translator ?? nullTranslator).load('jupyter_research'),
      markdown: (text: string) => drawMarkdown(registry, text),
      saveOnDisplay: () => saves
    };
    registry.addFactory(rendererFactory(shared), -20);
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [renderer];
export default plugins;
