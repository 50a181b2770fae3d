/** Sight: whether somebody can see an element, or will when they scroll a little. */

/** Drawn before it is scrolled in. */
const MARGIN = '200px';

/** Watch one element; in sight until it is known not to be. */
export class Sight {
  constructor(node: Element, onChange: () => void) {
    this.observer = new IntersectionObserver(
      entries => {
        const near = entries[entries.length - 1].isIntersecting;
        if (near !== this._near) {
          this._near = near;
          onChange();
        }
      },
      { rootMargin: MARGIN }
    );
    this.observer.observe(node);
  }

  get near(): boolean {
    return this._near;
  }

  dispose(): void {
    this.observer.disconnect();
  }

  private readonly observer: IntersectionObserver;
  private _near = true;
}
