// SPDX-License-Identifier: EUPL-1.2
// An identity provider for the tests, on a loopback port that it prints. Its first argument is JSON: the address of the
// Saal that trusts it. Paths under /control are for the test: they make accounts, change keys, falsify answers and sign
// tokens. It ends when its standard input does.

import http from 'node:http';
import { text } from 'node:stream/consumers';
import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const CLIENT = 'saal';
const SECRET = 'a secret+with % characters of thirty-two bytes';

// For browsers: the field and the button have names by which tests find them.
const WHO = `<!doctype html><html lang="en"><title>Who are you?</title><form method="post">
<label>Who are you? <input name="login" data-testid="provider-login"></label>
<button data-testid="provider-submit">Sign in</button></form>`;

const SIGN_OUT = '<button form="op.logoutForm" name="logout" value="yes" data-testid="provider-sign-out">Sign out</button>';

const { saal } = JSON.parse(process.argv[2]);
const accounts = new Map();
let issuer;
let current;
let falsify = null;
let jwksRequests = 0;

async function makeKey(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `key-${Math.random().toString(36).slice(2)}`;
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' }, publicKey };
}

async function makeProvider(alg) {
  const key = await makeKey(alg);
  const provider = new Provider(issuer, {
    jwks: { keys: [key.jwk] },
    clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        redirect_uris: [`${saal}/auth/oidc/callback`],
        post_logout_redirect_uris: [`${saal}/`],
        backchannel_logout_uri: `${saal}/auth/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
        id_token_signed_response_alg: alg,
      },
    ],
    acrValues: ['bronze', 'gold'],
    claims: {
      openid: ['sub', 'sid', 'acr'],
      profile: ['name', 'organisation', 'groups'],
      email: ['email', 'email_verified'],
      phone: ['phone_number', 'phone_number_verified'],
    },
    cookies: { keys: ['not a secret, since this is a test'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] },
    // It calls no address that is not public, which ours is not, and waits for 2.5 s, which is short on a busy machine.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined, signal: AbortSignal.timeout(20_000) }),
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      // Its own page fetches letters from elsewhere.
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><html lang="en"><title>Sign out?</title>${form}${SIGN_OUT}`;
        },
      },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    findAccount: (_, id) => accounts.has(id) && { accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) },
    // Nobody is asked for consent.
    async loadExistingGrant(ctx) {
      const { session, client, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/jwks') jwksRequests += 1;
    if (ctx.path === '/token' && falsify && ctx.body?.id_token) ctx.body = await falsified(ctx.body);
  });
  return { key, provider, handle: provider.callback() };
}

// The answer with an ID token that is wrong in one respect.
async function falsified(body) {
  const claims = decodeJwt(body.id_token);
  const now = Math.floor(Date.now() / 1000);
  const changes = {
    nonce: { nonce: 'of another sign-in' },
    aud: { aud: 'somebody else' },
    azp: { aud: [CLIENT, 'other'], azp: 'other' },
    'several aud': { aud: [CLIENT, 'other'] },
    iss: { iss: 'https://evil.example' },
    expired: { iat: now - 7200, exp: now - 3600 },
    'not yet': { nbf: now + 3600 },
    future: { iat: now + 3600 },
    at_hash: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' },
    sub: { sub: undefined },
  };
  return { ...body, id_token: await sign({ ...claims, ...changes[falsify] }, falsify) };
}

async function sign(claims, way, typ) {
  const { alg, kid, privateKey } = current.key;
  if (way === 'none') return new UnsecuredJWT(claims).encode();
  if (way === 'shared secret') {
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(new TextEncoder().encode(SECRET));
  }
  if (way === 'public key as secret') {
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(current.key.publicKey)));
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
  }
  const signer = way === 'signature' ? (await generateKeyPair(alg)).privateKey : privateKey;
  return new SignJWT(claims).setProtectedHeader({ alg, kid, typ }).sign(signer);
}

const control = {
  account: ({ id, ...claims }) => accounts.set(id, claims),
  falsify: ({ how }) => {
    falsify = how;
  },
  rotate: async ({ alg }) => {
    current = await makeProvider(alg);
  },
  sign: ({ claims, way, typ }) => sign(claims, way, typ),
  'jwks-requests': () => jwksRequests,
};

async function handle(request, response) {
  const { pathname } = new URL(request.url, issuer);
  const [, area, name] = pathname.split('/');
  if (area === 'control') {
    const result = await control[name](JSON.parse((await text(request)) || '{}'));
    response.end(JSON.stringify(typeof result === 'string' || typeof result === 'number' ? result : null));
  } else if (area === 'interaction' && request.method === 'POST') {
    const form = new URLSearchParams(await text(request));
    const login = { accountId: form.get('login'), acr: form.get('acr') ?? undefined };
    await current.provider.interactionFinished(request, response, { login });
  } else if (area === 'interaction') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(WHO);
  } else {
    await current.handle(request, response);
  }
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(0, '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  // Not RSA, whose keys take long to find.
  current = await makeProvider('ES256');
  console.log(issuer);
});
process.stdin.on('end', () => process.exit()).resume();
