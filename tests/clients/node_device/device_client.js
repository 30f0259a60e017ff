'use strict';

// Azure's Node clients for devices, used as their samples use them:
//
//   NODE_EXTRA_CA_CERTS=ca.pem DPS_CONNECTION_FILE=connection.json node device_client.js < devices.json
//
// devices.json is a list of {registrationId, transport, certificate, key}: http, mqtt or websocket, and the names of
// two files, where the certificate is followed by those above it. They register all at once, and what each was told is
// printed as one JSON object.

const fs = require('fs');
const https = require('https');
const { MqttBase } = require('azure-iot-mqtt-base');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { X509Security } = require('azure-iot-security-x509');

const AZURE = 'global.azure-devices-provisioning.net';

// Over MQTT a port may follow the host. Over HTTPS and a websocket it may not: 443 is meant. What an agent says about
// host and port goes before what a request says; the name in TLS and in the Host header stays Azure's own. HTTPS uses
// Node's default agent, a websocket the agent that it is given, as for a proxy.
function transportsOf(connection) {
  const agent = agentFor(connection.device_endpoint);
  https.globalAgent = agent;
  return {
    http: () => ({ host: AZURE, transport: new Http() }),
    mqtt: () => ({ host: connection.mqtt_endpoint, transport: new Mqtt() }),
    websocket: () => {
      const base = new MqttBase();
      base.setOptions({ mqtt: { webSocketAgent: agent } });
      return { host: AZURE, transport: new MqttWs(base) };
    },
  };
}

function agentFor(endpoint) {
  const { hostname: host, port } = new URL(`https://${endpoint}`);
  return new https.Agent({ host, port: Number(port) });
}

async function register({ host, transport }, scope, device) {
  const certificate = { cert: fs.readFileSync(device.certificate, 'utf8'), key: fs.readFileSync(device.key, 'utf8') };
  const security = new X509Security(device.registrationId, certificate);
  const client = ProvisioningDeviceClient.create(host, scope, transport, security);
  try {
    return { state: await client.register() };
  } catch (error) {
    const told = error.responseBody ? JSON.parse(error.responseBody) : error.result; // a 401 over HTTPS, and all else
    if (!told) {
      throw error; // no answer at all
    }
    return { error: error.name, message: error.message, told };
  }
}

async function main() {
  const connection = JSON.parse(fs.readFileSync(process.env.DPS_CONNECTION_FILE, 'utf8'));
  const devices = JSON.parse(fs.readFileSync(0, 'utf8'));
  const transports = transportsOf(connection);
  const outcomes = await Promise.all(
    devices.map((device) => register(transports[device.transport](), connection.id_scope, device)),
  );
  const named = devices.map((device, number) => [device.registrationId, outcomes[number]]);
  process.stdout.write(JSON.stringify(Object.fromEntries(named)));
}

main().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
