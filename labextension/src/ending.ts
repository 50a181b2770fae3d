/** The end of a session: the report, or why there is none. */
import { button, el, Part, setText, show } from './dom';
import { Host } from './host';
import { limitations, markdown, ReportView } from './report';
import { Snapshot } from './types';
import { asText, Words } from './words';

/** The formats offered, in the order of use. */
const FORMATS: readonly [string, string][] = [
  ['markdown', 'Markdown'],
  ['html', 'HTML'],
  ['pdf', 'PDF'],
  ['docx', 'Word'],
  ['ipynb', 'Notebook'],
  ['bibtex', 'BibTeX']
];

/** Draw the error, the limitations or the report; the report is fetched once. */
export class Ending implements Part<Snapshot> {
  readonly node: HTMLElement;

  constructor(
    private readonly host: Host,
    private readonly trans: Words
  ) {
    this.retry = button(trans.__('Try again'), 'jr-button', () =>
      void this.load(this.key)
    );
    this.problem.append(this.sentence, ' ', this.retry);
    this.node = el(
      'div',
      { class: 'jr-ending' },
      this.error,
      this.problem,
      this.place,
      this.exports()
    );
  }

  update(snapshot: Snapshot): void {
    const error = snapshot.error;
    const sentence = this.sentenceOf(snapshot);
    setText(this.error, sentence);
    show(this.error, sentence !== '');
    this.error.dataset.code = asText(error?.code);
    if (!snapshot.report_available) {
      this.drawLimitations(snapshot);
      return;
    }
    const key = `${snapshot.session_id} ${snapshot.attempt}`;
    if (key !== this.key) {
      this.key = key;
      void this.load(key);
    }
  }

  dispose(): void {
    this.report?.dispose();
    this.key = '';
  }

  private sentenceOf({ state, error }: Snapshot): string {
    if (error) {
      return asText(error.message) || asText(error.code);
    }
    return state === 'interrupted'
      ? this.trans.__(
          'The server stopped while this session worked. Resume goes on from where it was.'
        )
      : '';
  }

  private drawLimitations({ limitations: sentences }: Snapshot): void {
    this.key = '';
    const key = sentences.join('\n');
    if (key !== this.limits) {
      this.limits = key;
      const node = limitations(sentences, this.trans);
      this.place.replaceChildren(...(node ? [node] : []));
    }
  }

  private async load(key: string): Promise<void> {
    show(this.problem, false);
    this.place.setAttribute('aria-busy', 'true');
    try {
      const report = await this.host.report();
      if (key === this.key) {
        this.report?.dispose();
        this.report = new ReportView(report, this.host, this.trans);
        this.place.replaceChildren(this.report.node);
        show(this.downloads, this.host.download !== undefined);
      }
    } catch (error) {
      if (key === this.key) {
        this.drawSaved((error as Error).message);
      }
    } finally {
      this.place.removeAttribute('aria-busy');
    }
  }

  /** Show the report as the notebook saved it, and why it is not the server's. */
  private drawSaved(reason: string): void {
    const saved = this.host.savedReport?.();
    if (saved && !this.report) {
      this.place.replaceChildren(markdown(saved, this.host));
    }
    setText(this.sentence, reason);
    show(this.problem, true);
  }

  private exports(): HTMLElement {
    this.downloads.setAttribute('aria-label', this.trans.__('Download'));
    this.downloads.append(el('span', {}, this.trans.__('Download')));
    for (const [format, name] of FORMATS) {
      const link = button(name, 'jr-link', () => void this.download(format));
      this.downloads.append(link);
    }
    return this.downloads;
  }

  private async download(format: string): Promise<void> {
    show(this.problem, false);
    try {
      await this.host.download?.(format);
    } catch (error) {
      setText(this.sentence, (error as Error).message);
      show(this.problem, true);
    }
  }

  private key = '';
  private limits = '';
  private report: ReportView | null = null;
  private readonly error = el('p', { class: 'jr-error', hidden: true });
  private readonly problem = el('p', { class: 'jr-notice', role: 'alert', hidden: true });
  private readonly sentence = el('span');
  private readonly retry: HTMLButtonElement;
  private readonly place = el('div', { class: 'jr-place-report' });
  private readonly downloads = el('div', { class: 'jr-downloads', role: 'group', hidden: true });
}
