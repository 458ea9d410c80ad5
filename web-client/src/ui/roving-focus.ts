// SPDX-License-Identifier: EUPL-1.2
// A toolbar is one stop for the Tab key; the arrow keys move inside it (ARIA Authoring Practices, toolbar pattern).
import { useEffect } from 'preact/hooks';

/** Makes the buttons inside an element one tab stop. Works by the DOM, so that buttons may come and go. */
export function useRovingFocus(container: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const element = container.current;
    if (element === null) return undefined;
    let current: HTMLElement | undefined;
    const buttons = () => [...element.querySelectorAll<HTMLElement>('button:not([disabled])')];
    const update = () => {
      const all = buttons();
      if (current === undefined || !all.includes(current)) current = all[0];
      for (const button of all) {
        const tabIndex = button === current ? 0 : -1;
        if (button.tabIndex !== tabIndex) button.tabIndex = tabIndex;
      }
    };
    const onFocus = (event: FocusEvent) => {
      const button = (event.target as HTMLElement).closest('button');
      if (button === null) return;
      current = button;
      update();
    };
    const onKey = (event: KeyboardEvent) => {
      const all = buttons();
      const target = all[nextIndex(event.key, current === undefined ? 0 : all.indexOf(current), all.length)];
      if (target === undefined) return;
      event.preventDefault();
      target.focus();
    };
    update();
    const observer = new MutationObserver(update);
    observer.observe(element, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    element.addEventListener('focusin', onFocus);
    element.addEventListener('keydown', onKey);
    return () => {
      observer.disconnect();
      element.removeEventListener('focusin', onFocus);
      element.removeEventListener('keydown', onKey);
    };
  }, [container]);
}

/** Where a key moves the focus, or -1 when it does not. */
export function nextIndex(key: string, index: number, count: number): number {
  switch (key) {
    case 'ArrowRight':
      return (index + 1) % count;
    case 'ArrowLeft':
      return (index - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
}
