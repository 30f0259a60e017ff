'use strict';

// Azure's Node client for a provisioning service, used as its samples use it:
//
//   NODE_EXTRA_CA_CERTS=ca.pem DPS_CONNECTION_STRING=... DPS_CA_NAME=... node service_client.js groups|individuals
//
// It makes three enrollments, changes one, is refused, asks for pages of two, deletes the one that it changed, and
// prints what it saw as one JSON object. The other two stay.

const https = require('https');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');

const PAGE_SIZE = 2;

const KINDS = {
  groups: {
    record: (number) => ({ enrollmentGroupId: `node-group-${number}` }),
    id: (group) => group.enrollmentGroupId,
    save: (client, group) => client.createOrUpdateEnrollmentGroup(group),
    get: (client, id) => client.getEnrollmentGroup(id),
    remove: (client, group) => client.deleteEnrollmentGroup(group),
    query: (client) => client.createEnrollmentGroupQuery({ query: 'SELECT * FROM enrollmentGroups' }, PAGE_SIZE),
  },
  individuals: {
    record: (number) => ({ registrationId: `node-device-${number}`, deviceId: `device-at-hub-${number}` }),
    id: (enrollment) => enrollment.registrationId,
    save: (client, enrollment) => client.createOrUpdateIndividualEnrollment(enrollment),
    get: (client, id) => client.getIndividualEnrollment(id),
    remove: (client, enrollment) => client.deleteIndividualEnrollment(enrollment),
    query: (client) => client.createIndividualEnrollmentQuery({ query: 'SELECT * FROM enrollments' }, PAGE_SIZE),
  },
};

// The client gives Node `localhost:8443` as the name of a host, and no port: getaddrinfo ENOTFOUND. What an agent says
// about host and port goes before what a request says, and the client uses Node's default agent. The Host header and
// the signature keep the connection string's own `localhost:8443`.
function reachByPort(connectionString) {
  const [, host, port] = /(?:^|;)HostName=([^:;]+):(\d+)/.exec(connectionString) ?? [];
  if (port) {
    https.globalAgent = new https.Agent({ host, port: Number(port) });
  }
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    if (!error.response) {
      throw error; // no answer at all
    }
    return { error: error.name, status: error.response.statusCode, body: JSON.parse(error.responseBody) };
  }
  throw new Error('It was accepted, and should have been refused.');
}

async function allPages(query) {
  const pages = [];
  while (query.hasMoreResults) {
    // Without the token, a next() that gives a promise begins again with the first page.
    pages.push((await query.next(query.continuationToken)).responseBody);
  }
  return pages;
}

async function walk(client, kind, caName) {
  const attestation = { type: 'x509', x509: { caReferences: { primary: caName } } };
  const created = [];
  for (const number of [1, 2, 3]) {
    created.push((await kind.save(client, { ...kind.record(number), attestation })).responseBody);
  }
  const id = kind.id(created[0]);
  const got = (await kind.get(client, id)).responseBody;
  // An etag in what is saved or deleted goes out as If-Match.
  const updated = (await kind.save(client, { ...got, provisioningStatus: 'disabled' })).responseBody;
  const stale = await refused(kind.save(client, got));
  const pages = await allPages(kind.query(client));
  await kind.remove(client, updated);
  const gone = await refused(kind.get(client, id));
  return { created, got, updated, stale, pages, gone };
}

async function main() {
  const { DPS_CONNECTION_STRING: connectionString, DPS_CA_NAME: caName } = process.env;
  const kind = KINDS[process.argv[2]];
  if (!connectionString || !caName || !kind) {
    throw new Error('Set DPS_CONNECTION_STRING and DPS_CA_NAME, and say groups or individuals.');
  }
  reachByPort(connectionString);
  const seen = await walk(ProvisioningServiceClient.fromConnectionString(connectionString), kind, caName);
  process.stdout.write(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error.stack, error.responseBody ?? '');
  process.exitCode = 1;
});
