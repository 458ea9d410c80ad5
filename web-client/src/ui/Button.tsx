// SPDX-License-Identifier: EUPL-1.2
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { Icon } from './Icon';
import type { IconName } from './icons';

type NativeProps = Omit<ButtonHTMLAttributes, 'class' | 'icon'>;

interface ButtonProps extends NativeProps {
  kind?: 'primary' | 'secondary' | 'danger' | 'quiet';
  icon?: IconName;
  isWide?: boolean;
  children: ComponentChildren;
}

/** A button with words on it. */
export function Button({ kind = 'secondary', icon, isWide = false, children, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={`button button-${kind} ${isWide ? 'button-wide' : ''}`}>
      {icon !== undefined && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

interface IconButtonProps extends NativeProps {
  icon: IconName;
  label: string;
}

/** A button with an icon only; the label is its name and its tooltip. */
export function IconButton({ icon, label, ...rest }: IconButtonProps) {
  return (
    <button type="button" title={label} aria-label={label} {...rest} class="icon-button">
      <Icon name={icon} />
    </button>
  );
}
