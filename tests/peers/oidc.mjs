// An OpenID Connect provider (npm package `oidc-provider`) for the tests: real flow, real keys, people who sign in by a word.
//
//   node oidc.mjs PORT SERVICE_URL
//
// GET /people?name=ana&groups=a,b&amr=otp   says who exists and what the provider tells of them
// GET /twist?what=signature                 spoils the next ID token: signature, audience, none
// GET /keys                                 signs with a new key from now on
// An interaction signs in whom `?as=` names, and asks nothing else.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [port, service] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = new Map();
let twist = '';
let serial = 0;

const newKey = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  serial += 1;
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${serial}`, use: 'sig', alg: 'ES256' };
};

const build = () => {
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
    jwks: { keys: [newKey()] },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'acr', 'amr', 'sid'], profile: ['preferred_username', 'name', 'groups'] },
    pkce: { required: () => true, methods: ['S256'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: `sub-${id}`, preferred_username: id, name: `Pessoa ${id}`, groups: people.get(id)?.groups ?? [] }),
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    if (ctx.path.startsWith('/interaction/')) {
      const as = new URLSearchParams(ctx.querystring).get('as');
      const login = { accountId: as, amr: people.get(as)?.amr ?? ['pwd'] };
      await provider.interactionFinished(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false });
      ctx.respond = false;
      return;
    }
    await next();
    if (ctx.path === '/token' && twist && ctx.body?.id_token) ctx.body.id_token = spoil(ctx.body.id_token);
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  return provider.callback();
};

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const spoil = (token) => {
  const what = twist;
  twist = '';
  const [head, body, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  if (what === 'none') return `${part({ alg: 'none' })}.${body}.`;
  if (what === 'secret') {
    const forged = `${part({ alg: 'HS256' })}.${body}`;
    return `${forged}.${createHmac('sha256', 'between-us').update(forged).digest('base64url')}`;
  }
  return `${head}.${part({ ...claims, sub: 'sub-somebody-else' })}.${signature}`;
};

let callback = build();
createServer((request, response) => {
  const url = new URL(request.url, issuer);
  const done = () => response.end('done');
  if (url.pathname === '/people') {
    const list = (name) => (url.searchParams.get(name) ?? '').split(',').filter(Boolean);
    people.set(url.searchParams.get('name'), { groups: list('groups'), amr: list('amr') });
    return done();
  }
  if (url.pathname === '/twist') {
    twist = url.searchParams.get('what');
    return done();
  }
  if (url.pathname === '/keys') {
    callback = build();
    return done();
  }
  return callback(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log(`listening on ${issuer}`));
