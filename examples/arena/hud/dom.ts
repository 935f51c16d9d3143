/** Small helpers for the page's elements. */

/** The element with this id. The page is ours, so a missing one is a mistake. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element #${id}.`);
  return found as T;
}

/** Sets a text only when it changed: writing makes the browser lay out again. */
export function setText(target: HTMLElement, words: string): void {
  if (target.textContent !== words) target.textContent = words;
}
