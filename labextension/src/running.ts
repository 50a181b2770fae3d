/** What works, in the Running panel, with a button that cancels it. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { IRunningSessionManagers, IRunningSessions } from '@jupyterlab/running';
import { CommandToolbarButton } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { OPEN } from './commands';
import { icon } from './icon';
import { Shared } from './mime';
import type { Sessions } from './sessions';
import { Sight } from './sight';
import { isFinished, Snapshot } from './types';
import { stateWord } from './words';

/** List unfinished sessions beside kernels and terminals. */
export function addRunning(
  app: JupyterFrontEnd,
  { trans, client }: Shared,
  load: () => Promise<Sessions>,
  running: IRunningSessionManagers
): void {
  const changed = new Signal<object, void>(load);
  const tell = (): void => changed.emit();
  let sessions: Sessions | null = null;
  const ask = (then: (found: Sessions) => unknown): Promise<unknown> =>
    load().then(
      found => {
        sessions = found;
        found.changed.connect(tell);
        return then(found);
      },
      // The server is gone, or has another version by now: what is listed stays.
      () => undefined
    );
  const refresh = (): Promise<unknown> => ask(found => found.refresh());
  // It may have ended by itself meanwhile: the list says so.
  const cancel = (id: string): Promise<unknown> => client.command(id, 'cancel').then(refresh, refresh);
  const item = (one: Snapshot): IRunningSessions.IRunningItem => ({
    open: () => void app.commands.execute(OPEN, { id: one.session_id }),
    shutdown: () => void cancel(one.session_id),
    icon: () => icon,
    label: () => one.topic,
    detail: () => stateWord(trans, one.state)
  });
  const unfinished = (): readonly Snapshot[] =>
    sessions?.list.filter(one => !isFinished(one.state)) ?? [];
  const button = new CommandToolbarButton({ commands: app.commands, id: OPEN, label: '' });
  // The panel asks for news by its button alone.
  const sight = new Sight(
    button.node,
    () => void ask(found => found.watch(button, sight.near)),
    false,
    '0px'
  );
  button.disposed.connect(() => sight.dispose());
  running.add({
    name: trans.__('Research Sessions'),
    running: () => unfinished().map(item),
    shutdownAll: () => unfinished().forEach(one => void cancel(one.session_id)),
    refreshRunning: () => void refresh(),
    runningChanged: changed,
    toolbarButtons: [button],
    shutdownLabel: trans.__('Cancel'),
    shutdownAllLabel: trans.__('Cancel All'),
    shutdownAllConfirmationText: trans.__('Cancel all research sessions?')
  });
}
