/** What works, in the Running panel, with a button that cancels it. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { IRunningSessionManagers, IRunningSessions } from '@jupyterlab/running';
import { OPEN } from './commands';
import { icon } from './icon';
import { Shared } from './mime';
import { Sessions } from './sessions';
import { isFinished, Snapshot } from './types';
import { stateWord } from './words';

/** List unfinished sessions beside kernels and terminals. */
export function addRunning(
  app: JupyterFrontEnd,
  { trans, client }: Shared,
  sessions: Sessions,
  running: IRunningSessionManagers
): void {
  const cancel = (id: string): Promise<void> =>
    client.command(id, 'cancel').then(
      () => sessions.refresh(),
      // It ended by itself meanwhile: the list says so.
      () => sessions.refresh()
    );
  const item = (one: Snapshot): IRunningSessions.IRunningItem => ({
    open: () => void app.commands.execute(OPEN, { id: one.session_id }),
    shutdown: () => void cancel(one.session_id),
    icon: () => icon,
    label: () => one.topic,
    detail: () => stateWord(trans, one.state)
  });
  const unfinished = (): readonly Snapshot[] =>
    sessions.list.filter(one => !isFinished(one.state));
  running.add({
    name: trans.__('Research Sessions'),
    running: () => unfinished().map(item),
    shutdownAll: () => unfinished().forEach(one => void cancel(one.session_id)),
    refreshRunning: () => void sessions.refresh(),
    runningChanged: sessions.changed,
    shutdownLabel: trans.__('Cancel'),
    shutdownAllLabel: trans.__('Cancel All'),
    shutdownAllConfirmationText: trans.__('Cancel all research sessions?')
  });
}
