/** Sight: whether somebody can see an element, or will when they scroll a little. */

/** Drawn before it is scrolled in. */
const MARGIN = '200px';

/** Watch one element; `near` is what holds until more is known. */
export class Sight {
  constructor(
    node: Element,
    onChange: () => void,
    private _near = true,
    rootMargin = MARGIN
  ) {
    this.observer = new IntersectionObserver(
      entries => {
        const near = entries[entries.length - 1].isIntersecting;
        if (near !== this._near) {
          this._near = near;
          onChange();
        }
      },
      { rootMargin }
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
}
