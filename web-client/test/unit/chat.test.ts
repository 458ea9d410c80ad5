// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { ChatLog, MAX_MESSAGE_CHARS, splitLinks } from '../../src/conference/chat';

const message = (id: string, text = 'Hallo') => ({ id, senderName: 'Ada', text, atMs: 1 });

describe('ChatLog', () => {
  it('counts what has not been read', () => {
    const log = new ChatLog(async () => 'x');
    log.receive(message('1'));
    log.receive(message('2'));
    expect(log.unread.value).toBe(2);
    log.setReading(true);
    log.receive(message('3'));
    expect(log.unread.value).toBe(0);
    log.setReading(false);
    log.receive(message('4'));
    expect(log.unread.value).toBe(1);
  });

  it('shows a repeated message once', () => {
    const log = new ChatLog(async () => 'x');
    log.receive(message('1'));
    log.receive(message('1'));
    expect(log.messages.value).toHaveLength(1);
  });

  it('shows an own message when it has gone out, and does not count it', async () => {
    const log = new ChatLog(async () => 'own', () => 42);
    await log.send('Guten Tag', 'Ich');
    expect(log.messages.value).toEqual([{ id: 'own', senderName: 'Ich', isOwn: true, text: 'Guten Tag', atMs: 42 }]);
    expect(log.unread.value).toBe(0);
  });

  it('shows nothing that did not go out', async () => {
    const log = new ChatLog(async () => {
      throw new Error('no connection');
    });
    await expect(log.send('Guten Tag', 'Ich')).rejects.toThrow('no connection');
    expect(log.messages.value).toEqual([]);
  });

  it('limits what others can make it hold', () => {
    const log = new ChatLog(async () => 'x');
    for (let i = 0; i < 600; i += 1) log.receive(message(String(i), 'x'.repeat(5000)));
    expect(log.messages.value).toHaveLength(500);
    expect(log.messages.value[0]?.text).toHaveLength(MAX_MESSAGE_CHARS);
  });
});

describe('splitLinks', () => {
  const links = (text: string) => splitLinks(text).flatMap(({ href }) => href ?? []);

  it('finds addresses and leaves the sentence its punctuation', () => {
    expect(splitLinks('Siehe https://a.example/x?y=1. Danke')).toEqual([
      { text: 'Siehe ', href: null },
      { text: 'https://a.example/x?y=1', href: 'https://a.example/x?y=1' },
      { text: '. Danke', href: null },
    ]);
    expect(links('(https://a.example)')).toEqual(['https://a.example']);
  });

  it('makes links of web addresses only', () => {
    expect(links('javascript:alert(1) data:text/html,x file:///etc ftp://a.example')).toEqual([]);
    expect(links('https://')).toEqual([]);
  });

  it('loses nothing of the text', () => {
    for (const text of ['', 'kein Link', 'https://a.example', 'a https://b.example, c http://d.example!']) {
      expect(splitLinks(text).map((part) => part.text).join('')).toBe(text);
    }
  });
});
