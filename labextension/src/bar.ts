/** A bar: how much of how much. */
import { el, Part, setAttributes } from './dom';

export interface Progress {
  readonly label: string;
  readonly done: number | null;
  readonly total: number | null;
  /** Whether work goes on; a bar without a total moves only then. */
  readonly active: boolean;
}

/** Give what is done as a part of 1, or null where it cannot be said. */
export function fraction(done: number | null, total: number | null): number | null {
  return total === null || total <= 0
    ? null
    : Math.min(1, Math.max(0, (done ?? 0) / total));
}

/** Draw progress; its transform is animated off the main thread. */
export class Bar implements Part<Progress> {
  readonly node: HTMLElement;

  constructor() {
    this.fill = el('div', { class: 'jr-bar-fill' });
    this.node = el('div', { class: 'jr-bar', role: 'progressbar' }, this.fill);
  }

  update({ label, done, total, active }: Progress): void {
    const part = fraction(done, total);
    const percent = part === null ? null : Math.floor(part * 100);
    setAttributes(this.node, {
      'aria-label': label,
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': percent,
      'data-unknown': part === null && active
    });
    const scale = `scaleX(${part ?? 0})`;
    if (scale !== this.scale) {
      this.scale = scale;
      this.fill.style.transform = scale;
    }
  }

  private readonly fill: HTMLElement;
  private scale = '';
}
