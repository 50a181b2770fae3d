/** Hand a file to the browser's download. */

/** Save `blob` as `name`, by a link in `place`: some front ends look at clicks within their own pages only. */
export function save(blob: Blob, name: string, place: HTMLElement): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.hidden = true;
  place.append(link);
  link.click();
  link.remove();
  // The browser may ask where to put it first.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
