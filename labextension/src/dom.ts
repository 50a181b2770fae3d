/** Elements: made once, then changed only where something differs. */

export type Attributes = Readonly<
  Record<string, string | number | boolean | null | undefined>
>;
export type Child = Node | string | null;

/** A piece of the page that draws values of one kind. */
export interface Part<T> {
  readonly node: HTMLElement;
  update(value: T): void;
  dispose?(): void;
}

/** Make an element; text children become text, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  append(node, children);
  return node;
}

/** Append what is there. */
export function append(node: Element, children: readonly Child[]): void {
  node.append(...children.filter((child): child is Node | string => child !== null));
}

/** Make a button that says `label`. */
export function button(
  label: string,
  className: string,
  onClick: (event: MouseEvent) => void
): HTMLButtonElement {
  const node = el('button', { type: 'button', class: className }, label);
  node.addEventListener('click', event => {
    // Greyed by aria-disabled and not by `disabled`, which would take the focus away.
    if (node.getAttribute('aria-disabled') !== 'true') {
      onClick(event);
    }
  });
  return node;
}

/** Set what differs; null, undefined and false take the attribute away. */
export function setAttributes(node: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) {
      if (node.hasAttribute(name)) {
        node.removeAttribute(name);
      }
      continue;
    }
    const text = value === true ? '' : String(value);
    if (node.getAttribute(name) !== text) {
      node.setAttribute(name, text);
    }
  }
}

/** Set the text where it differs. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Show or hide. */
export function show(node: HTMLElement, visible: boolean): void {
  if (node.hidden === visible) {
    node.hidden = !visible;
  }
}

/** Put `children` in, in this order, touching only those that are elsewhere. */
export function arrange(parent: Element, children: readonly Element[]): void {
  let here = parent.firstElementChild;
  for (const child of children) {
    if (child === here) {
      here = here.nextElementSibling;
    } else {
      parent.insertBefore(child, here);
    }
  }
  while (here) {
    const next = here.nextElementSibling;
    here.remove();
    here = next;
  }
}

/** A list whose items keep their elements for as long as their key is in it. */
export class Keyed<T> {
  constructor(
    readonly node: HTMLElement,
    private readonly key: (item: T, index: number) => unknown,
    private readonly create: (item: T) => Part<T>
  ) {}

  update(items: readonly T[]): void {
    const parts = new Map<unknown, Part<T>>();
    items.forEach((item, index) => {
      let key = this.key(item, index);
      // Keys are others' to give, and two may be the same.
      if (parts.has(key)) {
        key = `${String(key)}#${index}`;
      }
      const part = this.parts.get(key) ?? this.create(item);
      parts.set(key, part);
      part.update(item);
    });
    for (const [key, part] of this.parts) {
      if (parts.get(key) !== part) {
        part.dispose?.();
      }
    }
    this.parts = parts;
    arrange(
      this.node,
      Array.from(parts.values(), part => part.node)
    );
  }

  dispose(): void {
    for (const part of this.parts.values()) {
      part.dispose?.();
    }
    this.parts.clear();
  }

  private parts = new Map<unknown, Part<T>>();
}
