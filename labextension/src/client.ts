/** The REST routes that the page uses, as the person who looks. */
import { ServerConnection } from '@jupyterlab/services';
import { Choice, Choices } from './form';
import { Action } from './host';
import { request } from './request';
import { JsonObject, Report, SessionEvent, Snapshot } from './types';
import { Words } from './words';

/** Ask the server about sessions. */
export class Client {
  constructor(
    readonly settings: ServerConnection.ISettings,
    private readonly trans: Words
  ) {}

  start(body: JsonObject): Promise<Snapshot> {
    return this.post('sessions', body);
  }

  get(id: string): Promise<Snapshot> {
    return this.fetch(session(id));
  }

  /** Give sentences that everybody here has to read, such as one about a damaged file. */
  async notices(): Promise<readonly string[]> {
    return (await this.fetch<{ notices?: string[] }>('health')).notices ?? [];
  }

  /** Give the newest sessions, as many pages as that, and whether there are older ones. */
  async list(pages: number): Promise<[readonly Snapshot[], boolean]> {
    const found: Snapshot[] = [];
    let before = '';
    for (let page = 0; page < pages && (page === 0 || before); page += 1) {
      const path = `sessions?limit=100${before && `&before=${encodeURIComponent(before)}`}`;
      const answer = await this.fetch<{ sessions: Snapshot[]; next: string | null }>(path);
      found.push(...answer.sessions);
      before = answer.next ?? '';
    }
    return [found, before !== ''];
  }

  command(
    id: string,
    action: Exclude<Action, 'start'>,
    body?: JsonObject
  ): Promise<Snapshot> {
    return this.post(`${session(id)}/${action}`, body);
  }

  /** Remove a session with its log and report, for good. */
  async remove(id: string): Promise<void> {
    await this.request(session(id), { method: 'DELETE' });
  }

  report(id: string, partial = false): Promise<Report> {
    return this.fetch(report(id, 'json', partial));
  }

  /** Give what a new session can be made with. */
  async choices(): Promise<Choices> {
    const [{ models }, { libraries }, { sources }, { model = '', analysts }] = await Promise.all([
      this.fetch<{ models: Choice[] }>('models'),
      this.fetch<{ libraries: Choice[] }>('libraries'),
      this.fetch<{ sources: Choice[] }>('sources'),
      this.fetch<{ model?: string; analysts?: number }>('defaults')
    ]);
    return { models, libraries, sources, model, analysts };
  }

  /** Keep a model for all of one's sessions, beside what else is kept; an empty name forgets it. */
  async keepModel(model: string): Promise<void> {
    const { model: _, ...others } = await this.fetch<JsonObject>('defaults');
    await this.send('PUT', 'defaults', model ? { ...others, model } : others);
  }

  async ask(id: string, question: string): Promise<Report> {
    const path = `${session(id)}/ask`;
    return (await this.post<{ report: Report }>(path, { question })).report;
  }

  /** Give the report as the cells of a notebook. */
  async cells(id: string, partial = false): Promise<readonly JsonObject[]> {
    return (await this.fetch<{ cells: JsonObject[] }>(report(id, 'ipynb', partial))).cells;
  }

  /** Give the session as the output of a cell, as a kernel writes it. */
  output(id: string): Promise<JsonObject> {
    return this.fetch(`${session(id)}/output`);
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
  async file(
    id: string,
    format: string,
    partial = false
  ): Promise<{ blob: Blob; name: string }> {
    const path = report(id, encodeURIComponent(format), partial);
    const response = await this.request(`${path}&download=1`);
    const header = response.headers.get('Content-Disposition') ?? '';
    // As Jupyter's server writes it: percent-encoded, for names in any script.
    const name = /filename\*=utf-8''([^;]+)/i.exec(header)?.[1];
    return {
      blob: await response.blob(),
      name: name ? decodeURIComponent(name) : `report.${format}`
    };
  }

  private async fetch<T>(path: string): Promise<T> {
    return (await this.request(path)).json() as Promise<T>;
  }

  private post<T = Snapshot>(path: string, body?: JsonObject): Promise<T> {
    return this.send('POST', path, body);
  }

  private async send<T>(method: string, path: string, body?: JsonObject): Promise<T> {
    const init: RequestInit =
      body === undefined
        ? { method }
        : {
            method,
            body: JSON.stringify(body),
            headers: { 'Content-Type': 'application/json' }
          };
    return (await this.request(path, init)).json() as Promise<T>;
  }

  private request(path: string, init?: RequestInit): Promise<Response> {
    return request(this.settings, path, init, this.trans);
  }
}

function session(id: string): string {
  return `sessions/${encodeURIComponent(id)}`;
}

function report(id: string, format: string, partial: boolean): string {
  return `${session(id)}/report?format=${format}${partial ? '&partial=1' : ''}`;
}
