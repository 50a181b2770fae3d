/** The REST routes that the page uses, as the person who looks. */
import { ServerConnection } from '@jupyterlab/services';
import { Action } from './host';
import { request } from './request';
import { JsonObject, Report, SessionEvent, Snapshot } from './types';

/** Ask the server about sessions. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings) {}

  start(body: JsonObject): Promise<Snapshot> {
    return this.post('sessions', body);
  }

  get(id: string): Promise<Snapshot> {
    return this.fetch(session(id));
  }

  async list(): Promise<readonly Snapshot[]> {
    const path = 'sessions?limit=100';
    return (await this.fetch<{ sessions: Snapshot[] }>(path)).sessions;
  }

  command(
    id: string,
    action: Exclude<Action, 'start'>,
    body?: JsonObject
  ): Promise<Snapshot> {
    return this.post(`${session(id)}/${action}`, body);
  }

  report(id: string): Promise<Report> {
    return this.fetch(`${session(id)}/report?format=json`);
  }

  async markdown(id: string): Promise<string> {
    const path = `${session(id)}/report?format=markdown`;
    return (await request(this.settings, path)).text();
  }

  async events(
    id: string,
    after: number,
    limit: number
  ): Promise<readonly SessionEvent[]> {
    const path = `${session(id)}/events?after=${after}&limit=${limit}`;
    return (await this.fetch<{ events: SessionEvent[] }>(path)).events;
  }

  source(id: string, source: string): Promise<{ text: string }> {
    return this.fetch(`${session(id)}/sources/${encodeURIComponent(source)}`);
  }

  /** Fetch the report in `format`, with the name that the server gives it. */
  async file(id: string, format: string): Promise<{ blob: Blob; name: string }> {
    const path = `${session(id)}/report?format=${encodeURIComponent(format)}`;
    const response = await request(this.settings, path);
    const header = response.headers.get('Content-Disposition') ?? '';
    const name = /filename="?([^";]+)"?/.exec(header)?.[1] ?? `report.${format}`;
    return { blob: await response.blob(), name };
  }

  private async fetch<T>(path: string): Promise<T> {
    return (await request(this.settings, path)).json() as Promise<T>;
  }

  private async post(path: string, body?: JsonObject): Promise<Snapshot> {
    const init: RequestInit =
      body === undefined
        ? { method: 'POST' }
        : {
            method: 'POST',
            body: JSON.stringify(body),
            headers: { 'Content-Type': 'application/json' }
          };
    return (await request(this.settings, path, init)).json() as Promise<Snapshot>;
  }
}

function session(id: string): string {
  return `sessions/${encodeURIComponent(id)}`;
}
