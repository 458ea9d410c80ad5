// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { MAX_MESSAGE_CHARS, splitLinks, type ChatMessage } from '../conference/chat';
import type { Conference } from '../conference/model';
import { clockTime, fill, t } from '../i18n';
import { Icon } from '../ui/Icon';
import { IconButton } from '../ui/Button';
import { Panel } from './Panel';

/** Writing to everybody. */
export function ChatPanel({ conference, onClose }: { conference: Conference; onClose: () => void }) {
  const words = t.value.chat;
  const { chat } = conference;
  useEffect(() => {
    chat.setReading(true);
    return () => chat.setReading(false);
  }, [chat]);
  return (
    <Panel title={words.title} testId="chat-panel" onClose={onClose} hasOwnFocus>
      <MessageList messages={chat.messages.value} />
      {conference.permissions.value.chat ? (
        <Composer conference={conference} />
      ) : (
        <p class="panel-note">{words.notAllowed}</p>
      )}
    </Panel>
  );
}

/** Within this distance of the end, in CSS pixels, somebody is reading along. */
const NEAR_END = 48;

function MessageList({ messages }: { messages: readonly ChatMessage[] }) {
  const words = t.value.chat;
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  // Follows the conversation, but never pulls somebody away who reads further up.
  useLayoutEffect(() => {
    const element = list.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [messages]);
  return (
    // New messages are read out by the announcer; a second live region would say everything twice.
    <div
      class="messages"
      role="log"
      aria-live="off"
      aria-label={words.messages}
      // It scrolls, so the keyboard has to be able to reach it.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      ref={list}
      data-testid="message-list"
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        isAtEnd.current = scrollHeight - clientHeight - scrollTop < NEAR_END;
      }}
    >
      {messages.length === 0 && (
        <div class="messages-empty">
          <Icon name="chat" />
          <p class="messages-empty-title">{words.empty}</p>
          <p>{words.emptyText}</p>
        </div>
      )}
      {messages.map((message, index) => (
        <Message key={message.id} message={message} isContinued={continues(messages[index - 1], message)} />
      ))}
    </div>
  );
}

/** Messages of one person within this time stand under one name. */
const SAME_BREATH_MS = 120_000;

function continues(before: ChatMessage | undefined, message: ChatMessage): boolean {
  return (
    before !== undefined &&
    before.isOwn === message.isOwn &&
    before.senderName === message.senderName &&
    message.atMs - before.atMs < SAME_BREATH_MS
  );
}

function Message({ message, isContinued }: { message: ChatMessage; isContinued: boolean }) {
  const { isOwn, senderName, atMs, text } = message;
  return (
    <div class={isOwn ? 'message-item message-own' : 'message-item'} data-testid="message">
      <p class={isContinued ? 'visually-hidden' : 'message-head'}>
        <span class="message-sender">{isOwn ? t.value.room.you : senderName}</span>{' '}
        <time dateTime={new Date(atMs).toISOString()}>{clockTime(atMs)}</time>
      </p>
      <p class="message-body">
        {splitLinks(text).map((part, index) =>
          part.href === null ? (
            part.text
          ) : (
            <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
              {part.text}
            </a>
          ),
        )}
      </p>
    </div>
  );
}

function Composer({ conference }: { conference: Conference }) {
  const words = t.value.chat;
  const id = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const { draft } = conference.chat;
  const error = useSignal('');
  const isSending = useSignal(false);
  useEffect(() => input.current?.focus(), []);

  const send = async () => {
    const message = draft.value.trim();
    if (message === '' || isSending.value) return;
    if (message.length > MAX_MESSAGE_CHARS) {
      error.value = fill(words.tooLong, { n: MAX_MESSAGE_CHARS });
      return;
    }
    isSending.value = true;
    error.value = '';
    draft.value = '';
    try {
      await conference.chat.send(message, conference.local.name.value);
    } catch {
      // Back where it was, to be sent again, before what has been written since.
      draft.value = [message, draft.value].filter((text) => text !== '').join('\n');
      error.value = words.failed;
    }
    isSending.value = false;
    input.current?.focus();
  };
  const onKey = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method is composing a character, the Enter key belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p class="field-error" id={`${id}-error`} role="alert">
        {error.value}
      </p>
      <div class="composer-line">
        <label class="visually-hidden" for={id}>
          {words.message}
        </label>
        <textarea
          id={id}
          ref={input}
          class="input composer-input"
          rows={1}
          placeholder={words.placeholder}
          value={draft.value}
          aria-describedby={`${id}-hint ${id}-error`}
          data-testid="chat-input"
          onInput={(event) => {
            draft.value = event.currentTarget.value;
            error.value = '';
          }}
          onKeyDown={onKey}
        />
        <IconButton
          type="submit"
          icon="send"
          label={words.send}
          aria-disabled={isSending.value || draft.value.trim() === ''}
          data-testid="chat-send"
        />
      </div>
      <p class="visually-hidden" id={`${id}-hint`}>
        {words.sendHint}
      </p>
    </form>
  );
}
