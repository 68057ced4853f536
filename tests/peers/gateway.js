// An SMS gateway over HTTP on Node's own server, for tests. One JSON line on standard output for each thing that happens.
//
// node gateway.js PORT [--name=value …]
//   --key=WORD           the header `authorization: Bearer WORD` is asked for (default: none)
//   --callback=URL       receipts are posted here, signed
//   --secret=WORD        the secret of the signature (HMAC-SHA256 of the body, hex, in x-signature)
//   --receipt=WHEN       after (default), before, twice, none
//   --throttle=N         the first N requests are answered with 429
//   --hang=N             the first N requests are taken and never answered
//   --cut=N              the first N requests are taken, and the connection is cut
//   --down=STATUS        every request is answered with this status at once
//   --odd=NUMBER         this number is refused with a status that means nothing
//   --dead=NUMBER        this number is refused with the code "unknown_subscriber"
//   --lose=NUMBER        the receipt of this number says that it was not delivered
'use strict';
const crypto = require('crypto');
const http = require('http');

const port = Number(process.argv[2]);
const option = Object.fromEntries(process.argv.slice(3).map((arg) => {
  const [name, ...value] = arg.replace(/^--/, '').split('=');
  return [name, value.join('=')];
}));
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
let requests = 0;

function post(body) {
  const signature = crypto.createHmac('sha256', option.secret || '').update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-signature': `sha256=${signature}` };
  const request = http.request(option.callback, { method: 'POST', headers }, (answer) => {
    answer.resume();
    say({ receipt: body, answered: answer.statusCode });
  });
  request.on('error', (error) => say({ receipt: body, error: error.message }));
  request.end(body);
}

function receipt(id, to) {
  if (!option.callback || option.receipt === 'none') return;
  const lost = to === option.lose;
  const body = JSON.stringify({ results: [{ id, to, status: lost ? 'FAILED' : 'DELIVERED', error: lost ? 'unknown_subscriber' : '' }] });
  post(body);
  if (option.receipt === 'twice') post(body);
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const answer = (status, value) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (option.key && request.headers.authorization !== `Bearer ${option.key}`) {
      say({ refused: 401 });
      answer(401, { error: { code: 'unauthorized' } });
      return;
    }
    const message = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    requests += 1;
    say({ request: requests, ...message });
    if (requests <= Number(option.hang || 0)) return;
    if (requests <= Number(option.cut || 0)) {
      request.socket.destroy();
      return;
    }
    if (requests <= Number(option.throttle || 0)) {
      answer(429, { error: { code: 'too_fast' } });
      return;
    }
    if (option.down) {
      answer(Number(option.down), { error: { code: 'maintenance' } });
      return;
    }
    if (message.to === option.odd) {
      answer(418, { error: { code: 'strange' } });
      return;
    }
    if (message.to === option.dead) {
      answer(400, { error: { code: 'unknown_subscriber' } });
      return;
    }
    const id = `GW-${requests}`;
    if (option.receipt === 'before') receipt(id, message.to);
    answer(201, { status: 'queued', id });
    if (option.receipt !== 'before') receipt(id, message.to);
  });
});
server.keepAliveTimeout = 60000;
server.listen(port, '127.0.0.1', () => say({ ready: port }));
