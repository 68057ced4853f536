// Reads a CAP message from standard input with @dec112/cap-ts and prints what it understood.
const { CAP_1_2 } = require('@dec112/cap-ts');

async function main() {
  let text = '';
  for await (const piece of process.stdin) text += piece;
  const alert = await CAP_1_2.Alert.fromXML(text);
  alert.validate();
  console.log(JSON.stringify(alert));
}

main().catch((error) => {
  console.error(String(error && error.stack ? error.stack : error));
  process.exit(1);
});
