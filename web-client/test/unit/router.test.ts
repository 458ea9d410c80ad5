// SPDX-License-Identifier: EUPL-1.2
import { afterEach, describe, expect, it } from 'vitest';
import { meetingPath, navigate, parseRoute, route, startRouter } from '../../src/app/router';

describe('parseRoute', () => {
  it('knows the start screen', () => {
    expect(parseRoute('/')).toEqual({ name: 'start' });
  });

  it('reads the room', () => {
    expect(parseRoute('/m/Ortsbeirat')).toEqual({ name: 'meeting', room: 'Ortsbeirat' });
    expect(parseRoute('/m/Ortsbeirat/')).toEqual({ name: 'meeting', room: 'Ortsbeirat' });
    expect(parseRoute('/m/B%C3%BCrgeramt%20S%C3%BCd')).toEqual({ name: 'meeting', room: 'Bürgeramt Süd' });
    expect(parseRoute('/m/a%2Fb')).toEqual({ name: 'meeting', room: 'a/b' });
  });

  it('leaves what lies behind the sign-in to its own pages', () => {
    for (const path of ['/sign-in', '/meetings', '/meetings/new', '/admin/users/1']) {
      expect(parseRoute(path, '?a=b'), path).toEqual({ name: 'pages', path, query: '?a=b' });
    }
  });

  it('knows nothing else', () => {
    for (const path of ['/m', '/m/', '/m/%20', '/x', '/m/a/b', '/m/%E0%A4%A', `/m/${'a'.repeat(300)}`]) {
      expect(parseRoute(path), path).toEqual({ name: 'unknown' });
    }
  });

  it('understands every path it writes', () => {
    for (const room of ['Ortsbeirat', 'a/b', 'Jour fixe #3 & mehr?', '100 %', '会议']) {
      expect(parseRoute(meetingPath(room)), room).toEqual({ name: 'meeting', room });
    }
  });
});

describe('the router', () => {
  let stop = () => {};
  afterEach(() => stop());

  it('follows navigation and the back button', () => {
    history.replaceState(null, '', '/');
    stop = startRouter();
    expect(route.value).toEqual({ name: 'start' });
    navigate('/m/Rat');
    expect(route.value).toEqual({ name: 'meeting', room: 'Rat' });
    history.replaceState(null, '', '/');
    window.dispatchEvent(new PopStateEvent('popstate'));
    expect(route.value).toEqual({ name: 'start' });
  });
});
