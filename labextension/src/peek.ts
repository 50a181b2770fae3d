/** The peek: a note beside what is pointed at or focused, gone with Escape. */
import { el, setAttributes } from './dom';

const OPEN_MS = 90;
const CLOSE_MS = 160;

/** One note for all marks of a card; it floats above whatever clips the card. */
export class Peek {
  readonly node = el('div', {
    class: 'jr-peek',
    role: 'tooltip',
    popover: 'manual',
    id: `jr-peek-${Math.random().toString(36).slice(2)}`
  });

  constructor() {
    this.node.addEventListener('pointerenter', () => this.keep());
    this.node.addEventListener('pointerleave', () => this.hideSoon());
  }

  /** Show what `content` draws while `mark` is pointed at or has the focus. */
  attach(mark: HTMLElement, content: () => Node[]): void {
    mark.addEventListener('pointerenter', event => {
      if (event.pointerType === 'mouse') {
        this.wait(OPEN_MS, () => this.show(mark, content()));
      }
    });
    mark.addEventListener('pointerleave', () => this.hideSoon());
    mark.addEventListener('focus', () => {
      if (mark.matches(':focus-visible')) {
        this.show(mark, content());
      }
    });
    mark.addEventListener('blur', () => this.hide());
    mark.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this.mark) {
        event.stopPropagation();
        this.hide();
      }
    });
  }

  hide(): void {
    this.keep();
    this.mark?.removeAttribute('aria-describedby');
    this.mark = null;
    window.removeEventListener('scroll', this.onScroll, true);
    if (this.node.isConnected && this.node.matches(':popover-open')) {
      this.node.hidePopover();
    }
  }

  private show(mark: HTMLElement, content: Node[]): void {
    // Without the popover of the platform a click on the mark shows the same.
    if (!mark.isConnected || typeof this.node.showPopover !== 'function') {
      return;
    }
    this.hide();
    this.mark = mark;
    this.node.replaceChildren(...content);
    this.node.showPopover();
    setAttributes(mark, { 'aria-describedby': this.node.id });
    this.place(mark.getBoundingClientRect());
    window.addEventListener('scroll', this.onScroll, true);
  }

  private place(at: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const margin = 8;
    const card = this.node.parentElement?.getBoundingClientRect();
    const left = Math.max(at.left + at.width / 2 - width / 2, card?.left ?? 0);
    const right = document.documentElement.clientWidth - width - margin;
    // Below, so that what is being read stays in sight.
    const below = at.bottom + margin;
    const fits = below + height < document.documentElement.clientHeight;
    this.node.style.left = `${Math.max(margin, Math.min(left, right))}px`;
    this.node.style.top = `${fits ? below : Math.max(margin, at.top - height - margin)}px`;
  }

  private hideSoon(): void {
    this.wait(CLOSE_MS, () => this.hide());
  }

  private wait(milliseconds: number, then: () => void): void {
    this.keep();
    this.timer = window.setTimeout(then, milliseconds);
  }

  private keep(): void {
    window.clearTimeout(this.timer);
  }

  private readonly onScroll = (): void => this.hide();
  private mark: HTMLElement | null = null;
  private timer = 0;
}
