/** The plugins. */
import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Client } from './client';
import { rendererFactory } from './mime';
import { SessionSocket } from './socket';

const renderer: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-research-lab:renderer',
  description: 'Draws research sessions in the output of cells.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    translator: ITranslator | null
  ) => {
    const { serverSettings } = app.serviceManager;
    const shared = {
      client: new Client(serverSettings),
      socket: new SessionSocket(serverSettings),
      trans: (translator ?? nullTranslator).load('jupyter_research')
    };
    registry.addFactory(
      rendererFactory(shared, () => null),
      -20
    );
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [renderer];
export default plugins;
