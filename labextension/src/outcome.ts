/** What came out: the report, further questions about it, and ways to take it along. */
import { button, el, setText, show } from './dom';
import { Further } from './further';
import { Host } from './host';
import { ReportView } from './report';
import { Report } from './types';
import { Words } from './words';
import css from '../lib/report.style.js';
import { wear } from './wear';

/** The formats that have names, in the order of use. */
const FORMATS: readonly [string, string][] = [
  ['markdown', 'Markdown'],
  ['html', 'HTML'],
  ['pdf', 'PDF'],
  ['docx', 'Word'],
  ['bibtex', 'BibTeX']
];

/** Draw a finished report and what can be done with it. */
export class Outcome {
  readonly node: HTMLElement;

  constructor(
    report: Report,
    private readonly host: Host,
    private readonly trans: Words,
    /** Whether its researcher answers further questions. */
    answers: boolean,
    /** Whether it is what a cancelled session had found. */
    private readonly partial = false
  ) {
    wear('report', css);
    this.view = new ReportView(report, host, trans);
    this.further = new Further(host, trans);
    show(this.further.node, answers && host.ask !== undefined);
    this.node = el(
      'div',
      {},
      this.view.node,
      this.further.node,
      host.download ? this.takeAlong(host.download.bind(host)) : null,
      this.problem
    );
  }

  dispose(): void {
    this.view.dispose();
    this.further.dispose();
  }

  private takeAlong(
    download: (format: string, partial: boolean) => Promise<void>
  ): HTMLElement {
    const row = el('div', { class: 'jr-downloads', role: 'group' });
    row.setAttribute('aria-label', this.trans.__('Download'));
    row.append(el('span', {}, this.trans.__('Download')));
    const act = (label: string, action: () => Promise<void> | undefined, more = ''): void =>
      row.append(button(label, `jr-link ${more}`, () => void this.attempt(action)));
    const named: readonly [string, string][] = [...FORMATS, ['ipynb', this.trans.__('Notebook')]];
    named.forEach(([format, name]) => act(name, () => download(format, this.partial)));
    if (this.host.canInsert) {
      act(this.trans.__('Insert below as cells'), () => this.host.insert?.(this.partial), 'jr-insert');
    }
    return row;
  }

  private async attempt(action: () => Promise<void> | undefined): Promise<void> {
    show(this.problem, false);
    try {
      await action();
    } catch (error) {
      setText(this.problem, (error as Error).message);
      show(this.problem, true);
    }
  }

  private readonly view: ReportView;
  private readonly further: Further;
  private readonly problem = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });
}
