// SPDX-License-Identifier: EUPL-1.2
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { legalTexts } from '../app/legal';
import { navigate } from '../app/router';
import { fill, t } from '../i18n';
import { AppearanceSelect, LanguageSelect } from './display-selects';
import { Logo } from './Logo';
import './page-frame.css';

interface PageFrameProps {
  /** Name of the browser tab. */
  title: string;
  /** Version of the server, shown at the foot. */
  version?: string;
  /** Links beside the name. */
  nav?: ComponentChildren;
  /** Begins at the top instead of standing in the middle: for pages with much on them. */
  isLong?: boolean;
  children: ComponentChildren;
}

/** What all screens except the room have around them. */
export function PageFrame({ title, version, nav, isLong = false, children }: PageFrameProps) {
  const words = t.value.app;
  usePageTitle(title);
  return (
    <div class="page">
      <a class="skip-link visually-hidden" href="#content">
        {words.skipToContent}
      </a>
      <header class="page-header">
        <a
          class="page-brand"
          href="/"
          aria-label={words.startPage}
          onClick={(event) => {
            event.preventDefault();
            navigate('/');
          }}
        >
          <Logo />
          <span>{words.name}</span>
        </a>
        {nav}
        <div class="page-display">
          <LanguageSelect />
          <AppearanceSelect />
        </div>
      </header>
      <main class={`page-main ${isLong ? 'page-main-long' : ''}`} id="content" tabIndex={-1}>
        {children}
      </main>
      <footer class="page-footer">
        {version !== undefined && version !== '' && <span>{fill(words.version, { version })}</span>}
        {legalTexts.value.map(({ kind, url }) => (
          <a key={kind} href={url} target="_blank" rel="noopener noreferrer" data-testid={`legal-${kind}`}>
            {words.legal[kind]}
          </a>
        ))}
        <a href="/licences.txt">{words.licences}</a>
      </footer>
    </div>
  );
}

/** Names the browser tab. */
export function usePageTitle(title: string): void {
  const name = t.value.app.name;
  useEffect(() => {
    document.title = title === '' ? name : `${title} – ${name}`;
  }, [title, name]);
}

let hasShownScreen = false;

/**
 * The heading of a screen. It takes the focus when the screen replaces another one, so that a screen reader starts
 * there; not on the first screen, where the browser itself starts at the top.
 */
export function ScreenHeading({ children, class: extra }: { children: ComponentChildren; class?: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasShownScreen) heading.current?.focus();
    hasShownScreen = true;
  }, []);
  return (
    <h1 class={`screen-heading ${extra ?? ''}`} ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
