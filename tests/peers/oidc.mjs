// An OpenID Connect provider (npm package `oidc-provider`) for the tests: the real flow with its own sign-in and consent forms.
//
//   node oidc.mjs PORT SERVICE_URL
//
// GET /people?name=ana&groups=a,b    says who exists and which groups the provider tells of them
// GET /twist?claims={"nonce":"x"}    changes claims of the next ID token, which is signed again with the real key
// GET /twist?how=signature           spoils the next ID token: signature, none, secret or key (one that nobody published)
// GET /keys                          signs with a new key from now on
// GET /now                           the provider's clock, in milliseconds since 1970
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [port, service] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = new Map();
let twist = null;
let serial = 0;
let key;

const newKey = () => {
  serial += 1;
  return { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }), kid: `key-${serial}` };
};

const build = () => {
  key = newKey();
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'sentinela',
      client_secret: 'between-us',
      redirect_uris: [`${service}/console/login/oidc/return`],
      post_logout_redirect_uris: [`${service}/console/login`],
      backchannel_logout_uri: `${service}/console/login/oidc/logout`,
      backchannel_logout_session_required: true,
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'sid'], profile: ['preferred_username', 'name', 'groups'] },
    pkce: { required: () => true, methods: ['S256'] },
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, name: `Pessoa ${id}`, groups: people.get(id) ?? [] }),
    }),
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/token' && twist && ctx.body?.id_token) ctx.body.id_token = spoil(ctx.body.id_token);
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  provider.on('backchannel.error', (_ctx, error) => console.error(error));
  return provider.callback();
};

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = (head, claims, { privateKey }) => {
  const text = `${part(head)}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};
const spoil = (token) => {
  const { how, changed } = twist;
  twist = null;
  const [head, body, signature] = token.split('.');
  const claims = { ...JSON.parse(Buffer.from(body, 'base64url')), ...changed };
  if (how === 'none') return `${part({ alg: 'none' })}.${body}.`;
  if (how === 'secret') {
    const forged = `${part({ alg: 'HS256' })}.${body}`;
    return `${forged}.${createHmac('sha256', 'between-us').update(forged).digest('base64url')}`;
  }
  if (how === 'signature') return `${head}.${part({ ...claims, sub: 'somebody-else' })}.${signature}`;
  const by = how === 'key' ? newKey() : key;
  return signed({ alg: 'ES256', kid: by.kid }, claims, by);
};

let callback = build();
createServer((request, response) => {
  const url = new URL(request.url, issuer);
  const asked = (name) => url.searchParams.get(name) ?? '';
  const done = () => response.end('done');
  if (url.pathname === '/people') {
    people.set(asked('name'), asked('groups').split(',').filter(Boolean));
    return done();
  }
  if (url.pathname === '/twist') {
    twist = { how: asked('how'), changed: JSON.parse(asked('claims') || '{}') };
    return done();
  }
  if (url.pathname === '/keys') {
    callback = build();
    return done();
  }
  if (url.pathname === '/now') return response.end(String(Date.now()));
  return callback(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log(`ready at ${issuer}`));
