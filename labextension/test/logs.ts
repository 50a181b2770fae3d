/** The logs that the Python tests read, too. */
import logs from '../../tests/fixtures/logs.json';
import { SessionEvent, Snapshot } from '../src/types';

export interface Log {
  readonly name: string;
  readonly events: readonly SessionEvent[];
  readonly snapshots: readonly Snapshot[];
}

export const LOGS = logs as unknown as readonly Log[];
export const SESSION = '0123456789abcdef0123456789abcdef';
