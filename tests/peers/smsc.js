// An SMS centre on the npm package `smpp`, for tests. One JSON line on standard output for each thing that happens.
//
// node smsc.js PORT [--name=value …]
//   --ids=hex          answers with hexadecimal ids with leading zeros, and names them in decimal in receipts
//   --receipt=WHEN     after (default), before, twice, none
//   --by=data_sm       receipts come by data_sm, with their words as a parameter
//   --reverse=N        holds receipts until there are N, then sends them last one first
//   --throttle=N       the first N submits are throttled
//   --reject=ADDRESS   this destination is invalid
//   --lose=ADDRESS     the receipt of this destination says that it was not delivered
//   --mute=N           the first N submits are taken and never answered
//   --late=N           the first N submits are answered when another one comes, in reverse order
//   --hold=N           the first N submits are taken, and answered at SIGUSR2
//   --unbind=N         the Nth submit is answered by an end of the session
//   --says=FROM|TEXT   a person's message, sent twice at each bind, as a centre does that missed the answer
//   --talk=FROM|TEXT|TEXT…   a person's messages, each twice; the next one when the one before is answered
//   --parts=FROM|N/TOTAL TEXT|…   parts of a person's message, in this order, at each bind
//   --first=N          the first message id (default 1000)
//   --tls=CERT,KEY     speaks TLS with these PEM files
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const port = Number(process.argv[2]);
const option = Object.fromEntries(process.argv.slice(3).map((arg) => arg.replace(/^--/, '').split('=')));
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
let submits = 0;
let next = Number(option.first || 1000);
let held = [];
const late = [];
const kept = [];
if (option.hold) process.on('SIGUSR2', () => { while (kept.length) kept.shift()(); });
const talk = (option.talk || '').split('|');
let spoken = 0;

function speak(session) {
  spoken += 1;
  const text = talk[spoken];
  if (text === undefined) return;
  const message = { source_addr: talk[0], destination_addr: '40199', esm_class: 0, data_coding: 8, short_message: text };
  for (let time = 0; time < 2; time += 1) session.deliver_sm(message, () => {});
}

// The octets as they came, which the package reads with a table of its own.
const { decode } = smpp.filters.message;
smpp.filters.message.decode = function (value, ...rest) {
  if (Buffer.isBuffer(value)) Object.defineProperty(this, 'octets', { value: value.toString('hex'), enumerable: false, configurable: true });
  return decode.call(this, value, ...rest);
};

function octets(message) {
  const body = message && message.message !== undefined ? message.message : message;
  return Buffer.isBuffer(body) ? body.toString('latin1') : String(body);
}

function receipt(session, pdu, id) {
  const lost = pdu.destination_addr === option.lose;
  const named = option.ids === 'hex' ? String(parseInt(id, 16)) : id;
  const text = `id:${named} sub:001 dlvrd:${lost ? '000' : '001'} submit date:2602221200 done date:2602221201 ` +
    `stat:${lost ? 'UNDELIV' : 'DELIVRD'} err:000 text:`;
  const told = { source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 0x04 };
  if (option.by === 'data_sm') {
    const state = { receipted_message_id: named, message_state: lost ? 5 : 2, message_payload: text };
    session.data_sm({ ...told, ...state }, (answer) => say({ receipt: named, answered: answer.command_status, by: answer.command }));
    return;
  }
  session.deliver_sm({ ...told, short_message: text }, (answer) => say({ receipt: named, answered: answer.command_status }));
}

function sendReceipt(session, pdu, id) {
  if (option.receipt === 'none') return;
  if (option.reverse) {
    held.push([session, pdu, id]);
    if (held.length < Number(option.reverse)) return;
    for (const args of held.reverse()) receipt(...args);
    held = [];
    return;
  }
  receipt(session, pdu, id);
  if (option.receipt === 'twice') receipt(session, pdu, id);
}

function submit(session, pdu) {
  submits += 1;
  const told = {
    submit: submits,
    to: pdu.destination_addr,
    from: pdu.source_addr,
    text: octets(pdu.short_message),
    udh: pdu.short_message.udh ? Buffer.concat(pdu.short_message.udh.map((u) => u)).toString('hex') : '',
    octets: pdu.octets || '',
    esm_class: pdu.esm_class,
    priority_flag: pdu.priority_flag,
    data_coding: pdu.data_coding,
    validity_period: pdu.validity_period ? String(pdu.validity_period) : '',
    registered_delivery: pdu.registered_delivery,
  };
  if (submits <= Number(option.mute || 0)) {
    say({ ...told, status: 'mute' });
    return;
  }
  if (submits <= Number(option.hold || 0)) {
    say({ ...told, status: 'hold' });
    kept.push(() => {
      say({ released: told.submit });
      session.send(pdu.response({ message_id: `held-${told.submit}` }));
    });
    return;
  }
  if (submits === Number(option.unbind || 0)) {
    say({ ...told, status: 'unbind' });
    session.unbind(() => session.close());
    return;
  }
  if (submits <= Number(option.late || 0)) {
    say({ ...told, status: 'late' });
    late.push(() => session.send(pdu.response({ message_id: `late-${told.submit}` })));
    return;
  }
  while (late.length) late.pop()();
  const refusal = submits <= Number(option.throttle || 0) ? smpp.ESME_RTHROTTLED
    : pdu.destination_addr === option.reject ? smpp.ESME_RINVDSTADR : 0;
  if (refusal) {
    say({ ...told, status: refusal });
    session.send(pdu.response({ command_status: refusal }));
    return;
  }
  const number = next;
  next += 1;
  const id = option.ids === 'hex' ? number.toString(16).toUpperCase().padStart(10, '0') : String(number);
  if (option.receipt === 'before') sendReceipt(session, pdu, id);
  // Said first: whoever has the answer finds it in the account.
  say({ ...told, status: 0, id });
  session.send(pdu.response({ message_id: id }));
  if (option.receipt !== 'before') sendReceipt(session, pdu, id);
  if (option.talk && pdu.destination_addr === talk[0]) speak(session);
}

const [cert, key] = option.tls ? option.tls.split(',').map((file) => fs.readFileSync(file)) : [];
const server = smpp.createServer(cert ? { cert, key } : {}, (session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    say({ bind: pdu.system_id, version: pdu.interface_version });
    session.send(pdu.response({ system_id: 'smsc' }));
    if (option.says) {
      const [from, text] = option.says.split('|');
      const message = { source_addr: from, destination_addr: '40199', esm_class: 0, data_coding: 8, short_message: text };
      for (let time = 0; time < 2; time += 1) {
        session.deliver_sm(message, (answer) => say({ said: text, answered: answer.command_status }));
      }
    }
    if (option.talk && spoken === 0) speak(session);
    if (option.parts) {
      const [from, ...parts] = option.parts.split('|');
      for (const part of parts) {
        const [, number, total, text] = part.match(/^(\d+)\/(\d+) (.*)$/);
        const message = {
          source_addr: from,
          destination_addr: '40199',
          esm_class: 0x40,
          data_coding: 8,
          short_message: { udh: Buffer.from([5, 0, 3, 77, Number(total), Number(number)]), message: text },
        };
        session.deliver_sm(message, (answer) => say({ said: text, answered: answer.command_status }));
      }
    }
  });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    say({ unbind: true });
    session.send(pdu.response());
    session.close();
  });
});
server.listen(port, '127.0.0.1', () => say({ ready: port }));
