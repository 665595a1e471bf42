// A client of a worklist on dcmjs-dimse, a DIMSE implementation that shares no code with ours.
//
//     node client.mjs FOLDER PORT CALLING CALLED < operations.json
//
// FOLDER holds node_modules. Each operation is an association of its own; its answers are printed
// as one line of JSON: status and elements of each response.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [folder, port, calling, called] = process.argv.slice(2);
console.info = console.log = console.debug = () => {}; // the library's log goes there
const dimse = createRequire(`${folder}/`)('dcmjs-dimse');
const { CFindRequest, NActionRequest, NGetRequest, NSetRequest } = dimse.requests;

const PUSH = '1.2.840.10008.5.1.4.34.6.1'; // PS3.4 Table CC.3.1-1
const WATCH = '1.2.840.10008.5.1.4.34.6.2';
const PULL = '1.2.840.10008.5.1.4.34.6.3';

const make = {
  find: () => {
    const request = new CFindRequest();
    request.setAffectedSopClassUid(PULL);
    return request;
  },
  get: ({ uid }) => new NGetRequest(PUSH, uid, [], WATCH),
  set: ({ uid }) => new NSetRequest(PUSH, uid, PULL),
  change: ({ uid }) => new NActionRequest(PUSH, uid, 1, PULL),
  cancel: ({ uid }) => new NActionRequest(PUSH, uid, 2, WATCH),
  subscribe: ({ uid }) => new NActionRequest(PUSH, uid, 3, WATCH),
};

function perform(operation) {
  return new Promise((resolve, reject) => {
    const answers = [];
    const request = make[operation.name](operation);
    if (operation.elements) request.setDataset(new dimse.Dataset(operation.elements));
    request.on('response', (response) => {
      const elements = response.getDataset()?.getElements() ?? null;
      answers.push({ status: response.getStatus(), elements });
    });
    const client = new dimse.Client();
    client.addRequest(request);
    client.on('closed', () => resolve(answers));
    client.on('networkError', reject);
    client.on('associationRejected', reject);
    client.send('127.0.0.1', Number(port), calling, called);
  });
}

for (const operation of JSON.parse(readFileSync(0, 'utf8'))) {
  const answers = await perform(operation);
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
